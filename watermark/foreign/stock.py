"""The watermarks that public image generators embed with the package invisible-watermark.

Only its method rivaGan, a network, needs the package (the extra `foreign-marks`); the others are read here. Every
method gives bits, watermarked or not, so there is a presence test: a known message counts as found if so many of its
bits match that fair coins would match as many once in 10**8 times. Images are not coins, so the rate was also measured:
see docs/watermark.md. These watermarks rarely survive JPEG: finding none says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import comb
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from watermark.foreign.blocks import SIDE, block_bits
from watermark.foreign.protocol import ForeignReading

Method = Literal["dwtDct", "dwtDctSvd", "rivaGan"]
METHODS: Final[tuple[Method, ...]] = ("dwtDct", "dwtDctSvd", "rivaGan")
RIVAGAN_BITS: Final = 32
"""Length of every rivaGan message."""
MIN_BITS: Final = 27
"""Shortest message that matches by chance less often than `ODDS`."""
MAX_BITS: Final = 1024
"""Longest message: the smallest image that is read holds it once, at one bit per block."""
_ONE_IN: Final = 10**8
ODDS: Final = 1 / _ONE_IN
"""Probability that coin flips match enough bits of one message to count as found."""

_MAX_BLOCKS: Final = 16_384
"""Number of blocks read, from the top: a megapixel holds every message hundreds of times."""
_MIN_PIXELS: Final = 256 * 256
"""The package marks no smaller images."""
_RIVAGAN_SIDE: Final = 512
"""rivaGan gets this area, as the side of a square in pixels: its network takes time and memory for every pixel."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a generator is known to embed."""

    name: str
    """Name of the watermark: "Stable Diffusion XL's stock mark"."""
    method: Method
    bits: tuple[int, ...]
    synthetic: bool = True
    """Whether only generators embed it."""

    @property
    def payload(self) -> str:
        """The bits in hexadecimal, most significant first."""
        return f"{int(''.join(map(str, self.bits)), 2):0{-(-len(self.bits) // 4)}x}"


def bits_of(text: str) -> tuple[int, ...]:
    """The bits of `text`, as the package embeds text."""
    return tuple(int(bit) for byte in text.encode() for bit in f"{byte:08b}")


def _digits(bits: str) -> tuple[int, ...]:
    return tuple(int(bit) for bit in bits)


STOCK: Final = (
    Message("Stable Diffusion 1.x's stock mark", "dwtDct", bits_of("StableDiffusionV1")),
    Message("Stable Diffusion 2.x's stock mark", "dwtDct", bits_of("SDV2")),
    Message("Stable Diffusion XL's stock mark", "dwtDct", _digits("101100111110110010010000011110111011000110011110")),
    Message("FLUX's stock mark", "dwtDct", _digits("1010101111111010000111100111001111010100101110")),
)
"""As the makers' public sampling scripts embed them. FLUX's constant loses two leading zeros on the way."""


class StockMarks:
    """Reads known messages. Those of rivaGan need the extra `foreign-marks`, which is loaded on first use."""

    name: Final = "invisible-watermark"

    def __init__(self, messages: Sequence[Message] = STOCK) -> None:
        self._by_method = {m: [one for one in messages if one.method == m] for m in METHODS}

    def read(self, rgb: NDArray[np.uint8]) -> list[ForeignReading]:
        """The known messages in `rgb` (uint8[H, W, 3]).

        Older versions of diffusers passed the colours in the wrong order, so both orders are read.

        Raises:
            ImportError: a message needs the extra, and it is not installed.
        """
        if rgb.shape[0] * rgb.shape[1] < _MIN_PIXELS:
            return []
        found: dict[str, ForeignReading] = {}
        for channels in (rgb[..., ::-1], rgb):
            for method, messages in self._by_method.items():
                bits = _bits(channels, method) if messages else np.zeros(0)
                for message in messages:
                    if (share := _match(bits, message.bits)) is not None:
                        reading = ForeignReading(message.name, message.payload, share, synthetic=message.synthetic)
                        found.setdefault(message.name, reading)
        return list(found.values())


@cache
def enough(bits: int) -> int:
    """How many of `bits` bits must match: the fewest that coin flips reach with a probability of at most `ODDS`."""
    tail = 0
    for matching in range(bits, -1, -1):
        tail += comb(bits, matching)
        if tail * _ONE_IN > 2**bits:  # integers: as floats these overflow
            return matching + 1
    return 0


def is_plain(bits: Sequence[int] | NDArray[np.int64]) -> bool:
    """Whether nearly all of `bits` are alike, so that a flat image, whose blocks all read the same, would match."""
    ones = int(np.sum(bits))
    return max(ones, len(bits) - ones) >= enough(len(bits))


def available() -> bool:
    """Whether the extra is installed. Does not load it: that takes seconds, because it imports torch."""
    return find_spec("imwatermark") is not None


def _match(block_bits: NDArray[np.float64], message: tuple[int, ...]) -> float | None:
    """The share of `message` that matches the bits of the blocks (float64[blocks]).

    None if too few match to count, or if the bits are plain: coin flips are not, but flat images are.
    """
    if len(block_bits) < len(message):
        return None
    decoded = _majority(block_bits, len(message))
    matching = int(np.sum(decoded == np.array(message)))
    return matching / len(message) if matching >= enough(len(message)) and not is_plain(decoded) else None


def _bits(bgr: NDArray[np.uint8], method: Method) -> NDArray[np.float64]:
    """The bit of each block, 0 or 1 (float64[blocks], row by row); for rivaGan the message itself."""
    if method == "rivaGan":
        _load_rivagan()
        decoder = _package().WatermarkDecoder("bits", RIVAGAN_BITS)
        return np.asarray(decoder.decode(_middle(bgr), method), dtype=np.float64)
    across = max(1, bgr.shape[1] // SIDE)
    return block_bits(bgr[: -(-_MAX_BLOCKS // across) * SIDE], method)


def _middle(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """512 x 512 pixels from the middle of `bgr`, or a longer part of the same area if the image is narrow."""
    height, width = bgr.shape[:2]
    area = _RIVAGAN_SIDE**2
    wide = min(width, _RIVAGAN_SIDE)
    high = min(height, area // wide)
    wide = min(width, area // high)
    top, left = (height - high) // 2, (width - wide) // 2
    return np.ascontiguousarray(bgr[top : top + high, left : left + wide])


def _majority(block_bits: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """The majority for each bit of a message of `length` that is repeated over the blocks: int64[length]."""
    whole = len(block_bits) // length * length
    return np.asarray(block_bits[:whole].reshape(-1, length).mean(axis=0) > 0.5, dtype=np.int64)


@cache
def _load_rivagan() -> None:
    _package().WatermarkDecoder.loadModel()


@cache
def _package() -> Any:
    import imwatermark  # noqa: PLC0415 - an extra, and it imports torch

    return imwatermark
