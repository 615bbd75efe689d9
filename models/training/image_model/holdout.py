"""Which combinations of words are held out of training, to measure whether the model can combine words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

ONE_IN = 10


def held_out(kinds: Sequence[str], arrangement: str, place: str) -> bool:
    """True for one in ten pairs of object and setting, and one in ten triples of object, arrangement and object.

    Depends only on the words: no seed, stage or run changes whether a combination is held out.
    """
    if not kinds:
        return False
    pair = f"{kinds[0]}/{arrangement}/{kinds[1]}" if len(kinds) > 1 else f"{kinds[0]}/{place}"
    return int.from_bytes(hashlib.sha256(pair.encode()).digest()[:8], "big") % ONE_IN == 0
