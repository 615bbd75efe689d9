"""What was downloaded, against the cards: a card with a new version, or files that are no longer those of the card."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.cards import Card
from models.errors import ModelError

State = Literal["current", "outdated", "damaged", "absent"]


@dataclass(frozen=True, slots=True)
class Installed:
    """A model whose files are downloaded. `others`: versions in the store that its card does not name, oldest first.

    `current`: the files of the card. `outdated`: those of another version only. `damaged`: files that differ from the
    card, or lack some. `absent`: it was never downloaded, or was deleted.
    """

    card: Card
    state: State
    others: tuple[str, ...]

    @property
    def needs_pull(self) -> bool:
        """It was asked for once, and what is there is not what its card describes."""
        return self.state in ("outdated", "damaged")


def installed(cards: Iterable[Card], store: Path) -> list[Installed]:
    """The state of every card whose files are downloaded; those that are shipped or in another place have none."""
    return [_installed(card, store) for card in cards if card.kept_in(store) is not card]


def remove_others(found: Installed, store: Path) -> None:
    """Delete the files of the versions that the card does not name. Raises OSError."""
    for version in found.others:
        shutil.rmtree(store / found.card.name / version)


def _installed(card: Card, store: Path) -> Installed:
    folder = store / card.name
    there = sorted(_versions(folder), key=lambda path: path.stat().st_mtime)
    others = tuple(path.name for path in there if path.name != card.version)
    if not (folder / card.version).is_dir():
        return Installed(card, "outdated" if others else "absent", others)
    try:
        card.kept_in(store).verified_root()
    except ModelError:
        return Installed(card, "damaged", others)
    return Installed(card, "current", others)


def _versions(folder: Path) -> list[Path]:
    """Without what begins with a dot, which no version does: an interrupted download."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
