"""Parsers in place of `watermark.c2pa.sdk`: what a hostile file could make of the C2PA SDK. Imported by a worker."""

import ctypes
import io
import time
from collections.abc import Mapping
from typing import Any

from c2pa import Reader

Answer = tuple[dict[str, Any], int]

HOSTILE: Mapping[str, str] = {
    "credential_read": "tests.support.sdk_parsers:hang",
    "credential_presence": "tests.support.sdk_parsers:crash",
    "credential_crjson": "tests.support.sdk_parsers:hang",
    "credential_thumbnails": "tests.support.sdk_parsers:crash",
}


class _Endless(io.BytesIO):
    """A stream on which the SDK waits, in its own code."""

    def read(self, _size: int | None = -1) -> bytes:
        time.sleep(600)
        raise AssertionError("the test is over")

    def readinto(self, _buffer: object) -> int:
        return len(self.read())


def hang(*_parts: bytes, out: memoryview, mime: str) -> Answer:
    Reader.try_create("image/jpeg", _Endless())
    raise AssertionError("the SDK did not wait")


def crash(*_parts: bytes, out: memoryview, mime: str = "") -> Answer:
    ctypes.string_at(0)
    raise AssertionError("memory at 0 can be read")
