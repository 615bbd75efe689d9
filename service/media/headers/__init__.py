"""What a file's header promises: read by small linear scanners before any decoder sees the file.

Each scanner stops at once where a file has more parts than any honest one. They look at as much as decides about memory
and time (size, kind of pixels, number of frames), and are not how pixels or metadata are read.
"""

import re
from collections.abc import Callable

from service.kit.errors import BrokenPicture, UnsupportedFormat
from service.media.headers import bmff, gif, jpeg, png, tiff, webp
from service.media.headers.header import Header

__all__ = ["SIGNATURE_BYTES", "Header", "recognised", "scan"]

_SCANNERS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], Header]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), png.scan),
    (re.compile(rb"\xff\xd8\xff"), jpeg.scan),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), webp.scan),
    (re.compile(rb"....ftyp(avi[fs]|mif1|msf1)", re.DOTALL), bmff.scan),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), tiff.scan),
    (re.compile(rb"GIF8[79]a"), gif.scan),
)

SIGNATURE_BYTES = 16
"""As much of a file as tells whether it is an image."""


def recognised(head: bytes) -> bool:
    """Whether a file that begins with `head` (`SIGNATURE_BYTES` of it) is an image that is read, damaged or not."""
    return any(signature.match(head) for signature, _ in _SCANNERS)


def scan(data: bytes) -> Header:
    """The header of an image file, by its content.

    Raises:
        UnsupportedFormat: not PNG, JPEG, WebP, AVIF, TIFF or GIF.
        BrokenPicture: it begins like one of them and has no size.
        TooLarge: it has more chunks, segments, boxes, directories, blocks or scans than are read.
    """
    for signature, scanner in _SCANNERS:
        if signature.match(data):
            header = scanner(data)
            if header.width <= 0 or header.height <= 0:
                raise BrokenPicture("the file begins like an image but is damaged")
            return header
    raise UnsupportedFormat("the file is not an image in a supported format")
