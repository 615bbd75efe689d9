"""What the scanners find, and how they count."""

from dataclasses import dataclass
from typing import Literal

from service.kit.errors import TooLarge

_BAND, _BAND_BYTES = 1 << 20, 20  # as `decoding.py` converts them: pixels at a time, and bytes for each

Format = Literal["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"]


@dataclass(frozen=True, slots=True)
class Header:
    """A file's format, the size of its first image in pixels, and how many frames or pages it has.

    `width` and `height` may be larger than the image, never smaller: of several statements the largest counts.
    `bytes_per_pixel`: what Pillow's decoder holds at its peak, without the result. Measured by `benchmarks/parsing.py`.
    `extra`: bytes that do not depend on the number of pixels, beside the bands in which they are converted.
    """

    format: Format
    width: int
    height: int
    bytes_per_pixel: float
    frames: int = 1
    extra: int = 0

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def memory(self) -> int:
        """Bytes that decoding takes beside the file and the result."""
        return int(self.pixels * self.bytes_per_pixel) + self.extra + min(self.pixels, _BAND) * _BAND_BYTES


class Counter:
    """Counts parts of a file. `parts`: what they are called."""

    def __init__(self, parts: str, most: int) -> None:
        self._parts, self._most = parts, most
        self.count = 0

    def add(self) -> None:
        """Raises TooLarge for one part too many."""
        self.count += 1
        if self.count > self._most:
            raise TooLarge(
                f"the file has more than {self._most:,} {self._parts}",
                hint="Save the image again with another program.",
            )
