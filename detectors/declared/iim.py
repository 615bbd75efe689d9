"""IPTC-IIM datasets (version 4.2), and the Photoshop image resources that carry them."""

import struct
from collections.abc import Iterator

from detectors.declared import xmp
from detectors.declared.metadata import Field, text_of

_MARK, _APPLICATION = 0x1C, 2
_EXTENDED = 0x8000
_RESOURCE_IIM, _RESOURCE_XMP = 0x0404, 0x0424
_MAX_DATASETS, _MAX_RESOURCES = 2_000, 1_000


def fields(block: bytes) -> Iterator[Field]:
    """The datasets of the application record by their numbers (`2:110` is the credit line)."""
    at = 0
    for _ in range(_MAX_DATASETS):
        if at + 5 > len(block) or block[at] != _MARK:
            return
        record, dataset, length = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if length & _EXTENDED:
            size = length & ~_EXTENDED
            length = int.from_bytes(block[at : at + min(size, 8)], "big")
            at += size
        if record == _APPLICATION:
            yield Field("iptc_iim", f"{record}:{dataset}", text_of(block[at : at + length]).strip("\0 \t\r\n"))
        at += length


def resources(block: bytes) -> Iterator[Field]:
    """The IPTC-IIM datasets and XMP packet among Photoshop image resources."""
    at = 0
    for _ in range(_MAX_RESOURCES):
        if block[at : at + 4] != b"8BIM" or at + 12 > len(block):
            return
        (kind,) = struct.unpack_from(">H", block, at + 4)
        name = block[at + 6] + 1
        at += 6 + name + name % 2
        if at + 4 > len(block):
            return
        (length,) = struct.unpack_from(">I", block, at)
        body = block[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
        if kind == _RESOURCE_IIM:
            yield from fields(body)
        elif kind == _RESOURCE_XMP:
            yield from xmp.fields(body)
