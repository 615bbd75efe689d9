"""Words and character n-grams of a normalised prompt, hashed into a fixed-size row: no vocabulary to ship or leak."""

import zlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 15
_NGRAMS = (3, 4, 5)


def features(text: str) -> NDArray[np.float32]:
    """The row (float32, (SIZE,)) of a `canonical` text: 1 + log(count) by hash, scaled to Euclidean length 1.

    The hash is the CRC-32 of the UTF-8 bytes, stable across platforms. A text without letters gives zeros.
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
