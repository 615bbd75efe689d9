"""A file of checkpoints, one JSON object a line. It belongs on another disk or machine than the database."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, unquote

from service.kit.clock import stamp, utc_now
from service.kit.errors import Error, Misconfigured
from service.ledger.checkpoints import Checkpoint
from service.ledger.notes import SignatureLine, VerifierKey
from service.ledger.sinks.sink import Ahead, Contradiction, NotTaken
from service.ledger.transparency import TransparencyLog

_TAIL = 1 << 14


class FileSink:
    """Appends each checkpoint and waits until it is on the disk. The last one must be continued."""

    confirms = True

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return f"file {self._path.name}"

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> Sequence[SignatureLine]:
        try:
            with _locked(self._path) as descriptor:
                last = _last(descriptor, log.verifier)
                if last is None or not _continues(checkpoint, last, log):
                    _append(descriptor, checkpoint)
        except OSError as fault:
            raise NotTaken(f"the file cannot be written: {fault.strerror}") from fault
        return ()

    def close(self) -> None:
        pass  # the file is closed after each checkpoint


def open_sink(address: SplitResult, timeout: float) -> FileSink:
    """`file:/PATH`. Raises Misconfigured for a relative path, or a host."""
    path = Path(unquote(address.path))
    if address.netloc or not path.is_absolute():
        raise Misconfigured("the file of a checkpoint sink needs an absolute path", hint="Write file:/PATH.")
    return FileSink(path)


def last_note(lines: Sequence[str], key: VerifierKey) -> Checkpoint | None:
    """The last checkpoint of the log with this key; None without one. Lines of other logs, and damaged ones, are
    passed over: a crash may have cut one off."""
    for line in reversed(lines):
        try:
            return Checkpoint.verified(json.loads(line)["note"], key)
        except (ValueError, TypeError, KeyError, Error):
            continue
    return None


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The open file. Other processes wait."""
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError as missing:
        raise NotTaken("this system has no file locks") from missing
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)  # releases the lock


def _last(descriptor: int, key: VerifierKey) -> Checkpoint | None:
    size = os.fstat(descriptor).st_size
    for start in (max(0, size - _TAIL), 0):
        lines = os.pread(descriptor, size - start, start).decode("utf-8", "replace").split("\n")
        if found := last_note(lines[1:] if start else lines, key):
            return found
    return None


def _continues(checkpoint: Checkpoint, last: Checkpoint, log: TransparencyLog) -> bool:
    """True if the file has this very checkpoint already. Raises Ahead, Contradiction."""
    if last.size > checkpoint.size:
        raise Ahead(last.size, proved=True)
    if log.head(last.size) != last.head:
        raise Contradiction(
            f"the first {last.size} decisions are not those of its last checkpoint: they were rewritten", proved=True
        )
    return last.size == checkpoint.size


def _append(descriptor: int, checkpoint: Checkpoint) -> None:
    entry = {"at": stamp(utc_now()), "size": checkpoint.size, "note": str(checkpoint.note)}
    size = os.fstat(descriptor).st_size
    torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    line = b"\n" * torn + json.dumps(entry).encode() + b"\n"
    if os.write(descriptor, line) != len(line):
        raise NotTaken("the disk is full")
    os.fsync(descriptor)
