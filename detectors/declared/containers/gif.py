"""GIF89a: comments, and XMP in its application extension."""

from collections.abc import Iterator

from detectors.declared import xmp
from detectors.declared.metadata import Field, text_of

SIGNATURE = b"GIF8"
_EXTENSION, _IMAGE = 0x21, 0x2C
_COMMENT, _APPLICATION = 0xFE, 0xFF
_XMP = b"XMP DataXMP"
_TRAILER = 257  # XMP is not in sub-blocks; a run of falling lengths leads readers past it
_MAX_BLOCKS = 200_000


def fields(data: bytes) -> Iterator[Field]:
    """The comments and XMP properties of a file."""
    at, left = 13 + _table(data[10]), _MAX_BLOCKS
    while at + 2 < len(data) and left > 0 and data[at] in (_EXTENSION, _IMAGE):
        if data[at] == _IMAGE:
            start = at + 11 + (_table(data[at + 9]) if at + 9 < len(data) else 0)
            body, at, left = _sub_blocks(data, start, left, keep=False)
            continue
        kind, start = data[at + 1], at + 2
        body, at, left = _sub_blocks(data, start, left, keep=kind == _COMMENT)
        if kind == _COMMENT:
            yield Field("comment", "", text_of(body).strip("\0"))
        elif kind == _APPLICATION and data[start + 1 : start + 12] == _XMP:
            yield from xmp.fields(data[start + 12 : max(at - _TRAILER, start + 12)])


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: bytes, at: int, left: int, *, keep: bool) -> tuple[bytes, int, int]:
    """The joined sub-blocks if they are to be kept, the place behind them, and how many more may be read."""
    kept = bytearray()
    while at < len(data) and data[at] and left > 0:
        if keep:
            kept += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        left -= 1
    return bytes(kept), at + 1, left - 1
