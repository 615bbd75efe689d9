"""Which models this installation knows, and where their files lie: in the distribution, or in the home folder."""

from pathlib import Path

from models import Card, ModelError, all_cards
from service.errors import Unavailable
from service.settings import Settings

MODELS_FOLDER = "models"
CARDS_FOLDER = "cards"


def store(settings: Settings) -> Path:
    """The folder of the weights that `models pull` fetched."""
    return settings.home / MODELS_FOLDER


def known_cards(settings: Settings) -> list[Card]:
    """Every card we ship and every one the operator put into the home folder's `cards`, files in their places.

    Raises:
        Unavailable: a card cannot be read.
    """
    try:
        return [card.kept_in(store(settings)) for card in all_cards(settings.home / CARDS_FOLDER)]
    except ModelError as bad:
        raise Unavailable(str(bad)) from bad
