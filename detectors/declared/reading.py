"""From a file's bytes to its metadata, by the format that its content shows. Nothing is decoded but text."""

import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator

from detectors.declared import exif, stealth, xmp
from detectors.declared.containers import bmff, gif, jpeg, png, riff
from detectors.declared.metadata import Field, Metadata, gathered

_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Iterator[Field]]], ...] = (
    (lambda data: data.startswith(png.SIGNATURE), png.fields),
    (lambda data: data.startswith(jpeg.SIGNATURE), jpeg.fields),
    (lambda data: data.startswith(riff.SIGNATURE), riff.fields),
    (lambda data: data.startswith(gif.SIGNATURE), gif.fields),
    (lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), exif.fields),
    (bmff.recognised, bmff.fields),
    (lambda data: data.lstrip()[:1] == b"<", xmp.fields),  # SVG, or a sidecar
)


def read_metadata(data: bytes, alpha: stealth.Alpha | None = None, height: int = 0) -> Metadata:
    """The metadata of a file of any known format; empty for others. Damaged metadata is read up to the damage.

    `alpha`: the alpha channel, if it has been decoded, of an image `height` pixels high. Content never raises.
    """
    return gathered(_fields(data, alpha, height))


def _fields(data: bytes, alpha: stealth.Alpha | None, height: int) -> Iterator[Field]:
    reader = next((fields for recognises, fields in _READERS if recognises(data[:64])), None)
    # Broken metadata is common and says nothing about the pixels.
    with contextlib.suppress(struct.error, ValueError, IndexError):
        if reader:
            yield from reader(data)
    with contextlib.suppress(zlib.error):
        if alpha and height:
            yield from stealth.fields(alpha, height)
