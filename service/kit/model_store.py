"""The models that this installation knows, and where their files are: in the distribution or in the home folder."""

import re
import tempfile
from pathlib import Path
from typing import Any

from models import Card, ModelError, Task, all_cards
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.kit.settings import Settings

MODELS_FOLDER = "models"
CARDS_FOLDER = "cards"


_RESERVED = ("embedded",)  # settings give these names another meaning


def store(settings: Settings) -> Path:
    """The folder of the weights that `models pull` fetched."""
    return settings.home / MODELS_FOLDER


def known_cards(settings: Settings) -> list[Card]:
    """Every card we ship, then every one in the home folder's `cards`; each knows where its files are.

    Raises:
        Unavailable: a card cannot be read.
    """
    return [card.kept_in(store(settings)) for card in _read(settings.home / CARDS_FOLDER)]


def added_cards(task: Task[..., Any], settings: Settings) -> list[Card]:
    """The cards of a task that the operator added. Raises Unavailable as `known_cards`."""
    shipped = {card.name for card in _read()}
    return [card for card in task.of(known_cards(settings)) if card.name not in shipped]


def added_card(task: Task[..., Any], settings: Settings) -> Card | None:
    """The operator's only card of a task. Raises Unavailable if there are several, and as `known_cards`."""
    added = added_cards(task, settings)
    if len(added) > 1:
        raise Unavailable(
            f"{len(added)} cards have the task {task.name}: {', '.join(card.name for card in added)}",
            hint="Keep one of them.",
        )
    return added[0] if added else None


def _read(*folders: Path) -> list[Card]:
    try:
        return list(all_cards(*folders))
    except ModelError as bad:
        raise Unavailable(str(bad)) from bad


def check_new_name(name: str, settings: Settings) -> None:
    """Raises BadRequest if no new card can have this name, and Unavailable if the cards cannot be read."""
    if name in _RESERVED or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise BadRequest(f"{name!r} cannot name a card", hint="Use lower-case letters, digits, dots, - and _.")
    if name in {card.name for card in known_cards(settings)}:
        raise BadRequest(
            f"there is already a model called {name}", hint="Choose another name, or remove that one's card."
        )


def keep(card: Card, settings: Settings) -> Path:
    """Write a card into the home folder atomically and return its path. Raises Misconfigured if it cannot."""
    folder = settings.home / CARDS_FOLDER
    place = folder / f"{card.name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            written = Path(scratch) / place.name
            written.write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n")
            written.replace(place)
    except OSError as denied:
        raise Misconfigured(f"{place} cannot be written: {denied.strerror}") from denied
    return place
