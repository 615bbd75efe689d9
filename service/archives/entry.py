"""One file of an archive: what it is called, and where its bytes are. The listing keeps each as a line of JSON."""

import json
from dataclasses import dataclass
from typing import Literal, Self

from service.kit.errors import Error

Method = Literal["stored", "deflated"]


@dataclass(frozen=True, slots=True)
class Packed:
    """Where a member is in the archive's file: from byte `start`, `length` bytes. `crc32` is of the unpacked file.

    In a zip archive the member's own header begins at `start`, and its data after that.
    """

    start: int
    length: int
    method: Method = "stored"
    crc32: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file is not examined: an error's code and message."""

    code: str
    message: str

    @classmethod
    def of(cls, error: Error) -> Self:
        return cls(error.code, error.message)


@dataclass(frozen=True, slots=True)
class Entry:
    """`path`: inside the source, with slashes; `size` in bytes, None where it is not known before the file is read.

    `packed`: None for a file of its own. `fault`: set for what was listed but cannot be examined.
    """

    path: str
    size: int | None = None
    packed: Packed | None = None
    fault: Fault | None = None

    def to_line(self) -> str:
        """One line of JSON. Names with bytes that are no text survive it."""
        packed, fault = self.packed, self.fault
        return json.dumps(
            [
                self.path,
                self.size,
                packed and [packed.start, packed.length, packed.method, packed.crc32],
                fault and [fault.code, fault.message],
            ],
            separators=(",", ":"),
        )

    @classmethod
    def of_line(cls, line: str) -> Self:
        """The entry of a line that `to_line` made."""
        path, size, packed, fault = json.loads(line)
        return cls(path, size, packed and Packed(*packed), fault and Fault(*fault))
