"""A file's metadata as fields: where each stands, what it is called, and its text. Anyone can write metadata."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Place = Literal["png_text", "exif", "xmp", "iptc_iim", "comment", "pixels"]
"""PNG text, EXIF, XMP, IPTC-IIM, a comment of JPEG or GIF, or text in the lowest bits of the alpha channel."""

MAX_VALUE = 4 << 20
"""Characters of one field that are kept: the graph of a large ComfyUI workflow has about two million."""

_MAX_FIELDS = 4_000
_MAX_OF_ONE_NAME = 8
_MAX_TOTAL = 16 << 20


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a file's metadata, as found.

    `name`: the keyword of a PNG text, the tag of EXIF (`Make`), the property of XMP (`photoshop:Credit`), record and
    dataset of IPTC-IIM (`2:110`), `alpha` of text in pixels, empty for a comment.
    """

    place: Place
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """All fields of a file that can declare something, in the order in which they were found."""

    fields: tuple[Field, ...] = ()

    @property
    def text(self) -> dict[str, str]:
        """The PNG texts by keyword."""
        return {field.name: field.value for field in self.fields if field.place == "png_text"}

    def values(self, place: Place, name: str) -> tuple[str, ...]:
        """The values of every field of that name, which is compared without case."""
        return tuple(f.value for f in self.fields if f.place == place and f.name.casefold() == name.casefold())


def gathered(found: Iterable[Field]) -> Metadata:
    """The first fields of `found`, as many as a real file can have. The rest is not even read."""
    return Metadata(tuple(_within_budget(islice(found, _MAX_FIELDS))))


def _within_budget(found: Iterable[Field]) -> Iterator[Field]:
    left, seen = _MAX_TOTAL, Counter[tuple[Place, str]]()
    for field in found:
        left -= len(field.value) + len(field.name)
        seen[field.place, field.name] += 1
        if left < 0:
            return
        if seen[field.place, field.name] <= _MAX_OF_ONE_NAME:
            yield field


def text_of(raw: bytes) -> str:
    """Bytes of no stated encoding: UTF-8, otherwise Latin-1, which PNG and EXIF readers assume."""
    kept = raw[:MAX_VALUE]
    try:
        return kept.decode("utf-8")
    except UnicodeDecodeError:
        return kept.decode("latin-1")
