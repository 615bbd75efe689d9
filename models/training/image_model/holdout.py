"""Which combinations of words are kept out of training, so that drawing them shows that the words combine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scenes import Scene

ONE_IN = 10


def held_out(scene: Scene) -> bool:
    """True for one in ten pairs of object and setting, and of object, relation and object.

    A function of the words alone: no seed, stage or run moves a combination from one side to the other.
    """
    pairs = [f"{thing.kind}/{scene.backdrop or scene.setting}" for thing in scene.things[:1]]
    if len(scene.things) > 1:
        first, second = scene.things
        pairs = [f"{first.kind}/{scene.arrangement}/{second.kind}"]
    return any(_hash(pair) % ONE_IN == 0 for pair in pairs)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
