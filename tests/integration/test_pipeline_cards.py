"""countermark models add-pipeline: from a folder to a card, and only what the card describes is served."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models import DigestMismatch
from service.cli.app import app
from service.generation.diffusers.loading import load_backend
from service.installation import open_installation
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.kit.model_store import CARDS_FOLDER
from service.kit.settings import Settings, load_settings
from tests.support.pipelines import add_safety_checker, change_weights, stable_diffusion

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stable_diffusion(tmp_path / "Tiny-SD")


def add(folder: Path, *words: str) -> Result:
    return runner.invoke(app, ["models", "add-pipeline", str(folder), *words])


def test_a_folder_gets_a_card_and_is_served_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(add(folder, "--json").stdout)
    assert (told["name"], told["task"]) == ("tiny-sd", "text-to-image")
    assert "no safety checker" in told["summary"]
    monkeypatch.setenv("COUNTERMARK_PIPELINE", "tiny-sd")
    backend = load_backend(load_settings())
    assert (backend.identity.name, backend.identity.digest) == ("tiny-sd", told["digest"])
    states = [json.loads(line) for line in runner.invoke(app, ["models", "list", "--json"]).stdout.splitlines()]
    assert {card["name"]: card["state"] for card in states}["tiny-sd"] == "ready"


def test_its_options_are_the_models_defaults(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(folder, "--name", "mine")
    place = load_settings().home / CARDS_FOLDER / "mine.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "options": {"steps": 3, "guidance": 2.5}}))
    monkeypatch.setenv("COUNTERMARK_PIPELINE", "mine")
    backend = load_backend(load_settings())
    assert (backend.default_steps, backend.default_guidance) == (3, 2.5)


@pytest.mark.parametrize("change", ["altered", "gone", "one more"])
def test_another_folder_than_the_cards_is_not_served(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    add(folder, "--name", "mine")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    match change:
        case "altered":
            weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        case "gone":
            weights.unlink()
        case "one more":
            (folder / "vae" / "extra.json").write_text("{}")
    monkeypatch.setenv("COUNTERMARK_PIPELINE", "mine")
    installation = open_installation(load_settings())
    with pytest.raises(Unavailable, match="card"):
        _ = installation.gateway
    installation.close()
    if change == "one more":
        with pytest.raises(DigestMismatch, match="is not on the card"):
            load_backend(load_settings())


@pytest.mark.parametrize("how", ["a link", "a pointer"])
def test_weights_from_elsewhere_are_not_loaded_without_a_card_either(folder: Path, tmp_path: Path, how: str) -> None:
    if how == "a link":
        (folder / "unet").symlink_to((folder / "unet").rename(tmp_path / "elsewhere"))
    else:
        (folder / "text_encoder" / "adapter_config.json").write_text("{}")
    with pytest.raises(Misconfigured, match=r"link to a folder|from elsewhere"):
        load_backend(Settings(pipeline=str(folder), threads=1))


@pytest.mark.parametrize("name", ["embedded", "open_nsfw", "../up", "Ü", "mine"])
def test_names_that_cannot_be_given(folder: Path, name: str) -> None:
    add(folder, "--name", "mine")
    assert isinstance(add(folder, "--name", name).exception, BadRequest)


def test_a_folder_with_a_pickle_gets_no_card(folder: Path) -> None:
    (folder / "unet" / "weights.bin").write_bytes(b"")
    assert isinstance(add(folder).exception, Misconfigured)
    assert not (load_settings().home / CARDS_FOLDER / "tiny-sd.json").exists()


def test_a_checker_that_does_not_work_gets_no_card(folder: Path) -> None:
    add_safety_checker(folder)
    change_weights(folder, lambda weights: {k: v for k, v in weights.items() if k != "concept_embeds"})
    assert isinstance(add(folder).exception, Unavailable)
    assert not (load_settings().home / CARDS_FOLDER / "tiny-sd.json").exists()


def test_what_was_found_is_said(folder: Path) -> None:
    done = add(add_safety_checker(folder))
    assert done.exit_code == 0
    assert "includes a safety checker" in done.stderr
    assert "COUNTERMARK_PIPELINE=tiny-sd" in done.stderr
