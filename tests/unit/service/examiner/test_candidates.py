import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from detectors import Prepared
from models import find_card
from service.examiner.assembly import open_classifier
from service.examiner.candidates import NextVersion, OtherClassifier, is_next_version, open_candidate
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import CARDS_FOLDER
from service.kit.settings import Settings
from tests.support.classifiers import write_member

RED = Prepared(np.full((300, 300, 3), (255, 0, 0), np.uint8), (), ())


def trying(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"shadow_card": name, "score_retention_days": 30})


def write_next(folder: Path) -> None:
    """The shipped detector under another name, as its next version would come."""
    card = find_card("synthetic")
    files = {name: card.read(name) for name in card.files}
    beside = folder.parent / "next"
    for place in (folder, beside):
        place.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (beside / name).write_bytes(data)
    described = card.model_dump(mode="json") | {
        "name": "synthetic-next",
        "version": "9",
        "source": {"kind": "folder", "path": str(beside)},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    (folder / "next.json").write_text(json.dumps(described))


@pytest.fixture
def cards(settings: Settings) -> Path:
    return settings.home / CARDS_FOLDER


def test_a_next_version_judges_as_it_would_if_it_were_active(settings: Settings, cards: Path) -> None:
    write_next(cards)
    candidate = open_candidate(trying(settings, "synthetic-next"), None)
    assert isinstance(candidate, NextVersion)
    active = open_classifier(trying(settings, "synthetic-next"))
    (inference,) = active.judge([RED])
    found = candidate(RED)
    assert (found.value, found.verdict) == (inference.p_synthetic, active.say(inference).verdict)
    assert found.identity.startswith("synthetic-next@9/")


def test_another_classifier_gives_its_score(settings: Settings, cards: Path) -> None:
    write_member(cards)
    candidate = open_candidate(trying(settings, "redness"), None)
    assert isinstance(candidate, OtherClassifier)
    found = candidate(RED)
    assert found.identity.startswith("redness@1/")
    assert found.value > 0.9
    assert found.verdict is None


def test_on_trial_it_is_no_member(settings: Settings, cards: Path) -> None:
    write_member(cards)
    (alone,) = open_classifier(trying(settings, "redness")).judge([RED])
    assert [finding.detector for finding in alone.findings] == ["texture"]


def test_a_next_version_beside_the_active_one_is_refused_unless_it_is_on_trial(settings: Settings, cards: Path) -> None:
    write_next(cards)
    with pytest.raises(Misconfigured, match="synthetic-next"):
        open_classifier(settings)
    assert is_next_version(find_card("synthetic"))


def test_what_cannot_be_tried(settings: Settings, cards: Path) -> None:
    with pytest.raises(Misconfigured, match="named nothing"):
        open_candidate(trying(settings, "nothing"), None)
    write_member(cards)
    (cards / "redness.onnx").write_bytes(b"other")
    with pytest.raises(Unavailable):
        open_candidate(trying(settings, "redness"), None)
