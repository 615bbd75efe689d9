"""Every safety checker there is looks at every picture; one that cannot be used closes the gateway."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.gateway.assembly import open_checkers
from service.gateway.order import Order
from service.generation import Job, OnStep
from service.installation import Installation, open_installation
from service.kit.errors import Unavailable, Unsafe
from service.kit.model_store import CARDS_FOLDER
from service.kit.settings import Settings
from tests.support import pipelines
from tests.support.classifiers import write_boxes, write_member, write_safety
from tests.support.gateway import Build
from tests.support.painter import Painter

DIFFUSERS = "stable_diffusion_safety_checker"


@pytest.fixture
def cards(settings: Settings) -> Path:
    return settings.home / CARDS_FOLDER


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = pipelines.stable_diffusion(tmp_path_factory.mktemp("ensemble") / "pipeline")
    return pipelines.add_safety_checker(folder)


def test_it_is_ours_alone_where_nothing_was_added(settings: Settings, cards: Path) -> None:
    write_member(cards)  # of another task
    assert [checker.name for checker in open_checkers(settings)] == ["open_nsfw"]


def test_each_card_and_the_pipelines_own_checker_are_heard(settings: Settings, cards: Path, pipeline: Path) -> None:
    write_safety(cards, "one")
    write_safety(cards, "two")
    installation = open_installation(settings.model_copy(update={"pipeline": str(pipeline), "watermark_secret": None}))
    try:
        names = [checker.name for checker in installation.gateway.screening.checkers]
    finally:
        installation.close()
    assert names == ["open_nsfw", "one", "two", DIFFUSERS]


@pytest.mark.parametrize(("write", "name"), [(write_safety, "redness"), (write_boxes, "redboxes")])
def test_any_one_of_them_refuses_the_picture(
    build: Build, settings: Settings, cards: Path, installation: Installation, write: Callable[[Path], Path], name: str
) -> None:
    class Red(Painter):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            return np.clip(super().render(job, on_step) * 0.2 + [200, 0, 0], 0, 255).astype(np.uint8)

    write(cards)
    checkers = open_checkers(settings)
    with pytest.raises(Unsafe, match=f"{name} red"):
        build(Red(), checkers).release(Order(prompt="a lake", seed=1))
    assert installation.ledger.verify().images == 0


def spoil_digest(cards: Path) -> None:
    (cards / "redness.onnx").write_bytes(b"other")


def take_model(cards: Path) -> None:
    (cards / "redness.onnx").unlink()


def break_card(cards: Path) -> None:
    (cards / "redness.json").write_text("{")


def break_options(cards: Path) -> None:
    values = json.loads((cards / "redness.json").read_text())
    (cards / "redness.json").write_text(json.dumps({**values, "options": {"size": 32}}))


def never_pull(cards: Path) -> None:
    values = json.loads((cards / "redness.json").read_text())
    values["source"] = {"kind": "hub", "repository": "someone/something", "revision": "0" * 40}
    (cards / "redness.json").write_text(json.dumps(values))


def take_our_name(cards: Path) -> None:
    values = json.loads((cards / "redness.json").read_text())
    (cards / "redness.json").write_text(json.dumps({**values, "name": "open_nsfw"}))


@pytest.mark.parametrize("spoil", [spoil_digest, take_model, break_card, break_options, never_pull, take_our_name])
def test_a_card_that_cannot_be_used_closes_the_gateway(
    installation: Installation, cards: Path, spoil: Callable[[Path], None]
) -> None:
    write_safety(cards)
    spoil(cards)
    with pytest.raises(Unavailable):
        _ = installation.gateway
    assert not installation.generates


def test_a_folder_of_cards_that_cannot_be_read_closes_the_gateway(installation: Installation, cards: Path) -> None:
    cards.write_text("no folder")
    with pytest.raises(Unavailable, match="folder of cards"):
        _ = installation.gateway


def test_a_pipeline_without_the_checker_it_names_closes_the_gateway(settings: Settings, pipeline: Path) -> None:
    weights = pipeline / "safety_checker" / "model.safetensors"
    kept = weights.rename(pipeline / "kept")
    installation = open_installation(settings.model_copy(update={"pipeline": str(pipeline)}))
    try:
        with pytest.raises(Unavailable, match=r"safety_checker/model\.safetensors is missing"):
            _ = installation.gateway
    finally:
        kept.rename(weights)
        installation.close()
