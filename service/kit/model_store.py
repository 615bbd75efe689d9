"""The model cards of this installation, and where their files are: in the package or in the home folder."""

import re
import tempfile
from pathlib import Path
from typing import Any

from models import Card, ModelError, Task, all_cards
from models.cards import Folder
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.kit.settings import Settings

MODELS_FOLDER = "models"
CARDS_FOLDER = "cards"

_RESERVED = ("embedded",)  # values of the `pipeline` setting that do not name a card


def store(settings: Settings) -> Path:
    """The folder that `models pull` downloads weights into."""
    return settings.home / MODELS_FOLDER


def known_cards(settings: Settings) -> list[Card]:
    """Every shipped card and every card in the home folder's `cards`, each with the paths of its files.

    Raises:
        Unavailable: a card cannot be read.
    """
    return [card.kept_in(store(settings)) for card in _read(settings.home / CARDS_FOLDER)]


def added_cards(task: Task[..., Any], settings: Settings) -> list[Card]:
    """The cards of a task that the operator added. Raises Unavailable as `known_cards`."""
    shipped = {card.name for card in _read()}
    return [card for card in task.of(known_cards(settings)) if card.name not in shipped]


def pulled_cards(task: Task[..., Any], settings: Settings) -> list[Card]:
    """The shipped cards of a task that `models pull` has downloaded. Raises Unavailable as `known_cards`."""
    kept = [card.kept_in(store(settings)) for card in task.of(_read())]
    return [card for card in kept if isinstance(card.source, Folder) and card.source.path.exists()]


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
    """Raise BadRequest if no new card can have this name, and Unavailable if the cards cannot be read."""
    if name in _RESERVED or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise BadRequest(f"{name!r} is not a valid card name", hint="Use lower-case letters, digits, dots, - and _.")
    if name in {card.name for card in known_cards(settings)}:
        raise BadRequest(f"a model named {name} already exists", hint="Choose another name, or remove its card.")


def save_card(card: Card, settings: Settings) -> Path:
    """Write `card` into the home folder atomically, and return its path. Raises Misconfigured."""
    folder = settings.home / CARDS_FOLDER
    path = folder / f"{card.name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            temporary = Path(scratch) / path.name
            temporary.write_text(card.model_dump_json(indent=2, exclude_defaults=True) + "\n")
            temporary.replace(path)
    except OSError as denied:
        raise Misconfigured(f"cannot write {path}: {denied.strerror}") from denied
    return path
