"""Text in the lowest bits of the alpha channel, as NovelAI and the "stealth pnginfo" extension write it.

One bit a pixel, column by column: a mark of 15 characters, the length in bits (32, big-endian), then the text as
UTF-8, gzip-compressed after `stealth_pngcomp`. https://github.com/NovelAI/novelai-image-metadata
"""

import zlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.declared.metadata import MAX_VALUE, Field

Alpha = Callable[[int], NDArray[np.uint8]]
"""The first n columns of the alpha channel (uint8[H, at most n])."""

_MARKS = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}
_MARK_BYTES, _HEAD_BYTES = 15, 19
_GZIP = zlib.MAX_WBITS | 16


def fields(alpha: Alpha, height: int) -> Iterator[Field]:
    """The text, if there is one; `height` is that of the image in pixels."""
    head = _bytes(alpha, height, _HEAD_BYTES)
    compressed = _MARKS.get(head[:_MARK_BYTES])
    if compressed is None:
        return
    length = min(int.from_bytes(head[_MARK_BYTES:], "big") // 8, MAX_VALUE)
    body = _bytes(alpha, height, _HEAD_BYTES + length)[_HEAD_BYTES:]
    if compressed:
        body = zlib.decompressobj(_GZIP).decompress(body, MAX_VALUE)
    yield Field("pixels", "alpha", body.decode("utf-8", "replace"))


def _bytes(alpha: Alpha, height: int, count: int) -> bytes:
    bits = alpha(-(-count * 8 // height)) & 1
    return np.packbits(bits.T.reshape(-1)[: count * 8]).tobytes()
