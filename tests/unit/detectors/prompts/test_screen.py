import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.prompts import LEARNED, MAX_CHARACTERS, PromptScreen, RuleFileError
from detectors.prompts.features import SIZE, features
from models import Card, DigestMismatch, ModelFault, ModelMissing, Session, find_card


@pytest.fixture(scope="module")
def screen() -> PromptScreen:
    return PromptScreen()


def test_evidence_about_a_prompt(screen: PromptScreen) -> None:
    found = screen.screen("hardcore p0rn", "nude child")
    assert found.text == "hardcore porn"
    assert found.flags == ("leet",)
    assert [score.category for score in found.scores] == list(LEARNED)
    assert [hit.rule for hit in found.hits] == ["explicit-acts", "nudity"]
    assert {hit.category for hit in found.negative_hits} == {"sexual", "sexual_minors"}
    assert found.model == "prompts@1"
    assert found.digest == find_card("prompts").digest
    assert [finding.label for finding in found.findings] == list(LEARNED)


@pytest.mark.parametrize("prompt", ["a red fox in the snow", "x", "", "🙂", "東京の夜", "kids playing in a pool"])
def test_ordinary_prompts_stay_below_every_limit(screen: PromptScreen, prompt: str) -> None:
    found = screen.screen(prompt)
    assert all(score.score < score.limit for score in found.scores)
    assert found.hits == ()


def test_disguises_do_not_change_the_scores(screen: PromptScreen) -> None:
    plain, hidden = screen.screen("a corpse in blood"), screen.screen("а cоrpse in bl\u200bооd")  # noqa: RUF001
    assert plain.scores == hidden.scores
    assert hidden.flags == ("look_alikes", "mixed_script", "zero_width")


def test_a_prompt_is_not_shown_by_accident(screen: PromptScreen) -> None:
    assert "Xanthippe" not in repr(screen.screen("Xanthippe")).title()


def test_too_long_is_refused_and_not_cut(screen: PromptScreen) -> None:
    for prompts in [("x" * (MAX_CHARACTERS + 1), ""), ("x", "x" * (MAX_CHARACTERS + 1))]:
        with pytest.raises(ValueError, match="2000"):
            screen.screen(*prompts)


def test_threads_may_share_it(screen: PromptScreen) -> None:
    prompts = [f"a photo of {n} corpses" for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(screen.screen, prompts)) == [screen.screen(prompt) for prompt in prompts]


def test_an_operators_rules_add_to_the_shipped(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[names]\nstaff = ["Jane Doe"]\n[[tests]]\ntext = "jane doe"\nexpect = ["named_person"]\n')
    hits = PromptScreen([own]).screen("Jane Doe, p0rn").hits
    assert [hit.rule for hit in hits] == ["explicit-acts", "nudity", "names.staff"]
    own.write_text('[names]\nstaff = ["Jane Doe"]\n[[tests]]\ntext = "john doe"\nexpect = ["named_person"]\n')
    with pytest.raises(RuleFileError, match="test 1"):
        PromptScreen([own])


@pytest.mark.parametrize(
    "scores",
    [[0.0] * 7, [1.0] * 7, [0.5] * 7, [0.1] * 6, [-1.0] * 7, [2.0] * 7],
    ids=["none", "all", "same", "few", "low", "high"],
)
def test_a_classifier_that_does_not_work_is_not_opened(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    monkeypatch.setattr(Session, "run", lambda self, batch: np.array([scores], np.float32))
    with pytest.raises(ModelFault):
        PromptScreen()


@pytest.mark.parametrize("scores", [[0.1] * 8, [float("nan")] * 7, [1.5] * 7])
def test_a_classifier_that_stops_working_says_so(
    screen: PromptScreen, monkeypatch: pytest.MonkeyPatch, scores: list[float]
) -> None:
    monkeypatch.setattr(Session, "run", lambda self, batch: np.array([scores], np.float32))
    with pytest.raises(ModelFault):
        screen.screen("a red fox")


def altered(folder: Path, change: Callable[[dict[str, Any]], object]) -> Card:
    """The shipped model in `folder` with other limits, and a card that agrees with them."""
    import hashlib

    card = find_card("prompts")
    for name in card.files:
        (folder / name).write_bytes(card.read(name))
    limits = json.loads((folder / "limits.json").read_text())
    change(limits)
    (folder / "limits.json").write_text(json.dumps(limits))
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in card.files}
    source = {"kind": "folder", "path": str(folder)}
    return Card.model_validate({**card.model_dump(), "files": files, "source": source})


CHANGES = {
    "a category is missing": lambda limits: limits["limits"].pop("hate"),
    "a limit above one": lambda limits: limits["limits"].update(hate=1.5),
    "no canaries": lambda limits: limits.update(canaries=[]),
    "a canary without its scores": lambda limits: limits["canaries"][0].update(scores={}),
    "a canary of another model": lambda limits: limits["canaries"][0]["scores"].update(hate=0.99),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_limits_that_are_wrong_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ModelFault):
        PromptScreen(card=altered(tmp_path, change))


def test_missing_or_other_weights_are_refused(tmp_path: Path) -> None:
    card = altered(tmp_path, lambda limits: None)
    PromptScreen(card=card)
    (tmp_path / "linear.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        PromptScreen(card=card)
    (tmp_path / "linear.onnx").unlink()
    with pytest.raises(ModelMissing):
        PromptScreen(card=card)


def test_features_are_fixed() -> None:
    row = features("a nude woman")
    assert row.shape == (SIZE,)
    assert row.dtype == np.float32
    assert np.linalg.norm(row) == pytest.approx(1)
    assert np.flatnonzero(row)[:3].tolist() == FIRST
    assert not features("").any()


FIRST = [683, 1148, 1660]
