"""Which combinations of words are kept out of training, so that drawing them shows that the words combine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

ONE_IN = 10


def held_out(kinds: Sequence[str], arrangement: str, place: str) -> bool:
    """True for one in ten pairs of object and place, and of object, arrangement and object.

    A function of the words alone: no seed, stage or run moves a combination from one side to the other.
    """
    if not kinds:
        return False
    pair = f"{kinds[0]}/{arrangement}/{kinds[1]}" if len(kinds) > 1 else f"{kinds[0]}/{place}"
    return int.from_bytes(hashlib.sha256(pair.encode()).digest()[:8], "big") % ONE_IN == 0
