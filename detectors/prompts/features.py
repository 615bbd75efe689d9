"""Words and character n-grams of a normalised prompt, hashed into a fixed row: no vocabulary to ship or to leak."""

import zlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 15
_NGRAMS = (3, 4, 5)


def features(text: str) -> NDArray[np.float32]:
    """Row (float32, SIZE) of a text as `canonical` leaves it: 1 + log(count) by hash, of Euclidean length 1.

    The hash is CRC-32 of UTF-8, the same everywhere and always. A text without letters gives zeros.
    """
    row = np.zeros(SIZE, np.float32)
    for at, count in Counter(zlib.crc32(part.encode()) % SIZE for part in _parts(text)).items():
        row[at] = 1 + np.log(count)
    return row / max(float(np.linalg.norm(row)), 1e-12)


def _parts(text: str) -> Iterator[str]:
    for word in text.split():
        bounded = f"<{word}>"
        yield f"{word}_"
        for n in _NGRAMS:
            yield from (bounded[at : at + n] for at in range(len(bounded) - n + 1))
