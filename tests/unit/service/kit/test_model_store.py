from pathlib import Path

import pytest

from detectors import FACE_COMPARISON, FACE_DETECTION, IMAGE_SAFETY, SYNTHETIC_DETECTION
from service.kit.errors import Unavailable
from service.kit.model_store import CARDS_FOLDER, added_card, added_cards, known_cards
from service.kit.settings import Settings
from tests.support.classifiers import write_member, write_safety
from tests.support.embedders import write_embedder


@pytest.fixture
def cards(settings: Settings) -> Path:
    return settings.home / CARDS_FOLDER


def test_shipped_cards_are_not_added_ones(settings: Settings) -> None:
    assert {"open_nsfw", "synthetic", "dlib-faces"} <= {card.name for card in known_cards(settings)}
    for task in (IMAGE_SAFETY, SYNTHETIC_DETECTION, FACE_COMPARISON):
        assert added_cards(task, settings) == []


def test_the_cards_of_one_task_by_name(settings: Settings, cards: Path) -> None:
    write_safety(cards, "second")
    write_safety(cards, "first")
    write_member(cards, "member")
    assert [card.name for card in added_cards(IMAGE_SAFETY, settings)] == ["first", "second"]
    assert [card.name for card in added_cards(SYNTHETIC_DETECTION, settings)] == ["member"]


def test_the_only_card_of_a_task(settings: Settings, cards: Path) -> None:
    assert added_card(FACE_COMPARISON, settings) is None
    write_embedder(cards, name="one")
    added = added_card(FACE_COMPARISON, settings)
    assert added is not None
    assert added.name == "one"
    assert added_card(FACE_DETECTION, settings) is None
    write_embedder(cards, name="two")
    with pytest.raises(Unavailable, match="2 cards have the task face-comparison: one, two"):
        added_card(FACE_COMPARISON, settings)


def test_a_misspelt_task_stops_everything(settings: Settings, cards: Path) -> None:
    """A safety checker that is silently left out would let images pass."""
    path = write_safety(cards)
    path.write_text(path.read_text().replace("image-safety", "image-saftey"))
    with pytest.raises(Unavailable, match="malformed"):
        added_cards(IMAGE_SAFETY, settings)
