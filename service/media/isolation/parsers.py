"""The parsers that may run in a worker, and how they are called, in a worker or in this process.

A parser is a function `parser(*parts: bytes, out: memoryview, **options) -> (dict, int)`. It reads the parts, may fill
`out` with pixels or other bytes, and returns a value that JSON can hold and how many bytes of `out` it wrote. It raises
an InputError where the file is at fault. Its module is imported before the worker is confined, and can import or open
nothing afterwards.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from service.kit.deadline import within
from service.kit.errors import BrokenPicture, TooLarge, Unavailable
from service.media.isolation.loading import Parser, load

DECODE, SELECT, HOLE, METADATA = "decode", "select", "hole", "metadata"
INFLATE, ARCHIVE = "inflate", "archive"

CREDENTIAL: Mapping[str, str] = {
    question: f"credential_{question}" for question in ("presence", "read", "labels", "crjson", "thumbnails", "embed")
}
"""Parsers for what the C2PA SDK is asked about a file; see `watermark.c2pa.sdk`."""

PARSERS: Mapping[str, str] = {
    DECODE: "service.media.decoding:decode",
    SELECT: "service.media.decoding:select",
    HOLE: "service.media.decoding:hole",
    METADATA: "service.media.decoding:metadata",
    INFLATE: "service.media.inflation:inflate",
    ARCHIVE: "service.media.archive_parser:read",
    **{name: f"watermark.c2pa.sdk:{question}" for question, name in CREDENTIAL.items()},
}
"""Every parser by its name. Workers import these modules and call nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A parser's answer: its `value`, as JSON has it, and the bytes that it wrote. Made of untrusted bytes."""

    value: Mapping[str, Any]
    out: bytes


Isolation = Literal["full", "reduced", "none"]
"""`full`: worker processes with every measure of `sandbox.py`; `reduced`: the system lacks some; `none`: no process."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of a parser: its name, its parts and keyword arguments, and the bytes and seconds that it may take."""

    parser: str
    parts: Sequence[bytes]
    memory: int
    output: int
    seconds: float | None
    options: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(map(len, self.parts))

    @property
    def needed(self) -> int:
        """Bytes that the call counts for, of the memory for all files being parsed."""
        return self.memory + self.output + self.size


class Parsers(ABC):
    """Runs parsers on bytes from outside."""

    def run(
        self,
        parser: str,
        parts: Sequence[bytes],
        *,
        memory: int,
        output: int = 0,
        seconds: float | None = None,
        **options: Any,
    ) -> Parsed:
        """Run one of `PARSERS` on a file.

        Args:
            parser: its name.
            parts: the file, and others that belong to it (a detached manifest).
            memory: bytes that the work may need, beside the file; see `budget.py`.
            output: bytes that the parser may write at most.
            seconds: time for the work. Waiting for a free worker may take as long again.
            options: keyword arguments of the parser, as JSON can hold them.

        Raises:
            InputError: what is wrong with the file; TooLarge if it needs too much memory or time.
            Unavailable: too many files are being parsed.
        """
        return self._run(Call(parser, parts, memory, output, seconds, options))

    @abstractmethod
    def _run(self, call: Call) -> Parsed:
        """As `run`."""

    @abstractmethod
    def start(self) -> None:
        """Be ready for a file. Returns at once if it is. Raises Unavailable if no process for it can be started."""

    @abstractmethod
    def close(self) -> None:
        """End all work. Nothing can be run afterwards."""

    @property
    @abstractmethod
    def isolation(self) -> Isolation:
        """What holds a parser that a file has taken over. Known after `start`."""


def too_slow(seconds: float) -> TooLarge:
    return TooLarge(f"the file could not be read within {seconds:g} s")


def too_much_memory() -> TooLarge:
    return TooLarge("the file needs more memory to be read than files of its kind and size do")


def unsafe(reason: str) -> BrokenPicture:
    return BrokenPicture(f"the file could not be read safely: {reason}")


def over_budget(needed: int, limit: int) -> TooLarge:
    return TooLarge(
        f"the file needs about {needed >> 20:,} MiB to be read, the limit is {limit >> 20:,} MiB",
        hint="Send a smaller one, or raise the limit (COUNTERMARK_PARSER_MEMORY).",
    )


def crowded() -> Unavailable:
    return Unavailable("too many files are being read", hint="Try again.")


class InProcess(Parsers):
    """Runs parsers in this process: for files that are trusted, and for tests.

    A parser cannot be stopped here: one that is late keeps its slot until it ends, and its memory is not limited.
    """

    def __init__(self, memory: int | None = None, parsers: Mapping[str, str] = PARSERS, slots: int = 16) -> None:
        """`memory`: bytes that one file may need by its header, None for any; `slots`: parsers that may run at once
        with a time limit, including those that overran it."""
        self._memory = memory
        self._parsers = parsers
        self._slots = threading.BoundedSemaphore(slots)

    def _run(self, call: Call) -> Parsed:
        if self._memory is not None and call.needed > self._memory:
            raise over_budget(call.needed, self._memory)
        return self._in_time(call.seconds, partial(_answer, load(self._parsers[call.parser]), call))

    def start(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to end."""

    @property
    def isolation(self) -> Isolation:
        return "none"

    def _in_time(self, seconds: float | None, work: Callable[[], Parsed]) -> Parsed:
        if seconds is None:
            return work()
        if not self._slots.acquire(timeout=seconds):
            raise crowded()

        def release_after() -> Parsed:
            try:
                return work()
            finally:
                self._slots.release()

        try:
            return within(seconds, release_after)
        except TimeoutError as slow:
            raise too_slow(seconds) from slow


def _answer(parser: Parser, call: Call) -> Parsed:
    out = bytearray(call.output)
    try:
        value, written = parser(*call.parts, out=memoryview(out), **call.options)
    except MemoryError as big:
        raise too_much_memory() from big
    return Parsed(value, bytes(out) if written == call.output else bytes(out[:written]))
