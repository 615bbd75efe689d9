"""No gateway without its checks."""

from pathlib import Path

import pytest

from models import Card, find_card
from service.gateway.assembly import build_gateway, open_checkers
from service.kit import model_store
from service.kit.errors import Unavailable
from service.kit.model_store import store
from service.kit.settings import Settings
from tests.support.classifiers import write_safety
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter


def test_no_checker_is_no_gateway(build: Build) -> None:
    with pytest.raises(ValueError, match="checker"):
        build(checkers=[])


def pulled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a safety card that is shipped and was pulled."""
    folder = store(settings) / "redness" / "1"
    card = Card.model_validate_json(write_safety(folder).read_bytes())
    source = find_card("nsfwjs").source
    monkeypatch.setattr(model_store, "all_cards", lambda *_: iter([card.model_copy(update={"source": source})]))
    return folder


def test_a_pulled_checker_is_one_more_opinion(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [checker.name for checker in open_checkers(settings)] == ["open_nsfw"]
    pulled(settings, monkeypatch)
    assert [checker.name for checker in open_checkers(settings)] == ["open_nsfw", "redness"]


def test_a_pulled_checker_that_is_damaged_is_not_skipped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (pulled(settings, monkeypatch) / "redness.onnx").write_bytes(b"other")
    with pytest.raises(Unavailable, match=r"SHA-256.*models pull redness"):
        open_checkers(settings)


def test_without_a_blocklist_is_no_gateway(build: Build) -> None:
    with pytest.raises(TypeError):
        build_gateway(Painter(), [Checker()], None, None, None, None, None)  # type: ignore[call-arg,arg-type]
