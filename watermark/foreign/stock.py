"""The marks that public image generators put into pictures with the package invisible-watermark.

It is the extra `foreign-marks`. Its methods always return bits, marked or not. The presence test is ours: a known
message counts as found when so many of its bits are right that fair coins would do as well once in 10**8 times.
Pictures are not coins, so the rate was also measured: see docs/watermark.md. These marks hardly survive JPEG: finding
none says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import comb
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from watermark.foreign.protocol import ForeignReading

Method = Literal["dwtDct", "dwtDctSvd", "rivaGan"]
METHODS: Final[tuple[Method, ...]] = ("dwtDct", "dwtDctSvd", "rivaGan")
RIVAGAN_BITS: Final = 32
"""Length of every message of that method."""
MIN_BITS: Final = 27
"""Length of the shortest message whose every bit right is less likely by chance than `ODDS`."""
MAX_BITS: Final = 1024
"""Length of the longest message: what the smallest picture that is read holds once, one bit a block."""
_ONE_IN: Final = 10**8
ODDS: Final = 1 / _ONE_IN
"""Chance, for one message and one reading of coins, of so many right bits that the message counts as found."""

_BLOCK: Final = 8
"""Pixels along a side of the block that carries one bit, before the wavelet transform halves it."""
_MAX_BLOCKS: Final = 16_384
"""Blocks that are read, from the top: a megapixel holds every message hundreds of times."""
_MIN_PIXELS: Final = 256 * 256
"""The package refuses smaller pictures."""
_RIVAGAN_SIDE: Final = 512
"""Side of the square, in pixels, whose area rivaGan is shown: its network takes time and memory for every pixel."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that somebody is known to mark with."""

    name: str
    """Whose mark it is: "Stable Diffusion XL's stock mark"."""
    method: Method
    bits: tuple[int, ...]
    synthetic: bool = True
    """Whether they mark nothing but what a generator made."""

    @property
    def payload(self) -> str:
        """The bits in hexadecimal, most significant first."""
        return f"{int(''.join(map(str, self.bits)), 2):0{-(-len(self.bits) // 4)}x}"


def bits_of(text: str) -> tuple[int, ...]:
    """The bits of `text`, as the package marks with the bytes of a text."""
    return tuple(int(bit) for byte in text.encode() for bit in f"{byte:08b}")


def _digits(bits: str) -> tuple[int, ...]:
    return tuple(int(bit) for bit in bits)


STOCK: Final = (
    Message("Stable Diffusion 1.x's stock mark", "dwtDct", bits_of("StableDiffusionV1")),
    Message("Stable Diffusion 2.x's stock mark", "dwtDct", bits_of("SDV2")),
    Message("Stable Diffusion XL's stock mark", "dwtDct", _digits("101100111110110010010000011110111011000110011110")),
    Message("FLUX's stock mark", "dwtDct", _digits("1010101111111010000111100111001111010100101110")),
)
"""As the public sampling scripts of their makers write them. FLUX's constant loses two leading zeros on the way."""


class StockMarks:
    """Reads known messages. Needs the extra `foreign-marks`; loads it when it is first asked."""

    name: Final = "invisible-watermark"

    def __init__(self, messages: Sequence[Message] = STOCK) -> None:
        self._by_method = {m: [one for one in messages if one.method == m] for m in METHODS}

    def read(self, rgb: NDArray[np.uint8]) -> list[ForeignReading]:
        """The known messages in `rgb` (uint8[H, W, 3]).

        Older versions of diffusers handed the colours over in the wrong order, so both orders are read.

        Raises:
            ImportError: the extra is not installed.
        """
        if rgb.shape[0] * rgb.shape[1] < _MIN_PIXELS:
            return []
        found: dict[str, ForeignReading] = {}
        for picture in (rgb[..., ::-1], rgb):
            for method, messages in self._by_method.items():
                heard = _heard(np.ascontiguousarray(picture), method) if messages else np.zeros(0)
                for message in messages:
                    if (share := _share(heard, message.bits)) is not None:
                        reading = ForeignReading(message.name, message.payload, share, synthetic=message.synthetic)
                        found.setdefault(message.name, reading)
        return list(found.values())


@cache
def enough(bits: int) -> int:
    """How many of `bits` bits must be right: the fewest that coins reach with a chance of at most `ODDS`."""
    tail = 0
    for right in range(bits, -1, -1):
        tail += comb(bits, right)
        if tail * _ONE_IN > 2**bits:  # whole numbers: as floats these overflow
            return right + 1
    return 0


def is_plain(bits: Sequence[int] | NDArray[np.int64]) -> bool:
    """Whether nearly all of `bits` are alike: so many that a flat picture, whose blocks all say the same, says them."""
    ones = int(np.sum(bits))
    return max(ones, len(bits) - ones) >= enough(len(bits))


def available() -> bool:
    """Whether the extra is installed. It is not loaded: that takes seconds, for it brings torch along."""
    return find_spec("imwatermark") is not None


def _share(heard: NDArray[np.float64], bits: tuple[int, ...]) -> float | None:
    """The share of `bits` that are right in `heard` (float64[blocks]).

    None where they are too few to count, or where what is heard is plain: coins are not, but flat pictures are.
    """
    if len(heard) < len(bits):
        return None
    said = _folded(heard, len(bits))
    right = int(np.sum(said == np.array(bits)))
    return right / len(bits) if right >= enough(len(bits)) and not is_plain(said) else None


def _heard(bgr: NDArray[np.uint8], method: Method) -> NDArray[np.float64]:
    """What each block says, 0 or 1 (float64[blocks], row by row); the message itself for rivaGan."""
    decoder = _package().WatermarkDecoder
    if method == "rivaGan":
        _load_rivagan()
        return np.asarray(decoder("bits", RIVAGAN_BITS).decode(_middle(bgr), method), dtype=np.float64)
    across = bgr.shape[1] // _BLOCK
    least = -(-_MIN_PIXELS // bgr.shape[1])  # rows, or the package refuses the part
    part = np.ascontiguousarray(bgr[: max(least, _MAX_BLOCKS // max(across, 1) * _BLOCK)])
    blocks = part.shape[0] // _BLOCK * across
    return np.asarray(decoder("bits", blocks).decode(part, method) if blocks else [], dtype=np.float64)


def _middle(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most 512 x 512 pixels from the middle of `bgr`; of narrow pictures a longer part, so that it is no smaller."""
    height, width = bgr.shape[:2]
    area = _RIVAGAN_SIDE**2
    wide = min(width, _RIVAGAN_SIDE)
    high = min(height, area // wide)
    wide = min(width, area // high)
    top, left = (height - high) // 2, (width - wide) // 2
    return np.ascontiguousarray(bgr[top : top + high, left : left + wide])


def _folded(heard: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """The majority of `heard` for each bit of a message of `length` that is repeated over the blocks: int64[length]."""
    whole = len(heard) // length * length
    return np.asarray(heard[:whole].reshape(-1, length).mean(axis=0) > 0.5, dtype=np.int64)


@cache
def _load_rivagan() -> None:
    _package().WatermarkDecoder.loadModel()


@cache
def _package() -> Any:
    import imwatermark  # noqa: PLC0415 - an extra, and it imports torch

    return imwatermark
