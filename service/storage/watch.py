"""Noticing that the open database is no longer the one that was opened.

A database that is moved, deleted or replaced while it is open goes on taking rows, into a file that has no name any
more. So each transaction compares: the files' device and inode (SQLite), and the database's own id; on PostgreSQL also
the number of the database and the identifier of the server. Once they differ, the database stays closed until the
process restarts: rows that were written meanwhile, and rows of the other database, must not be mixed.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from service.kit.errors import Unavailable

log = structlog.get_logger()

Fingerprint = tuple[Any, ...]
"""What tells this database from any other."""

_FINGERPRINT = {
    "sqlite": "SELECT database_id FROM ledger_identity",
    "postgresql": """SELECT (SELECT database_id FROM ledger_identity),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        (SELECT system_identifier FROM pg_control_system())""",
}
_NO_DATABASE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR")  # the last: it has no such table
_HINT = "Nothing is released. The operator: put the ledger back, or restore a backup, and restart; see docs/backup.md."


class WatchedFile:
    """A file by its device and inode. It may grow, and only the database itself makes it smaller."""

    def __init__(self, path: Path, what: str) -> None:
        """Raises OSError where there is no such file."""
        self._path = path
        self._what = what
        found = path.stat()
        self._place = (found.st_dev, found.st_ino)
        self._size = found.st_size

    def fault(self) -> str | None:
        """What happened to the file; None: it is still there."""
        try:
            found = self._path.stat()
        except OSError:
            return f"{self._what} was moved or deleted while it was open"
        if (found.st_dev, found.st_ino) != self._place:
            return f"{self._what} was replaced while it was open"
        return None

    def shrunk_to(self) -> int | None:
        """The size in bytes, if it has become smaller since the last call. Raises OSError where it is gone."""
        size = self._path.stat().st_size
        shrunk, self._size = size < self._size, size
        return size if shrunk else None


class DatabaseWatch:
    """The database as it was when it was opened. Thread-safe. Once closed, it stays closed."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the database. Raises the database's own faults where it cannot be read."""
        self._engine = connection.engine
        self._lost: str | None = None
        self._lock = threading.Lock()
        self._file = _plain_file(self._engine)
        self._log: WatchedFile | None = None  # the write-ahead log is there while a connection is
        self._fingerprint = self._fingerprint_of(connection)
        self._main = WatchedFile(self._file, "the ledger's file") if self._file else None

    def check_files(self) -> None:
        """Raises Unavailable where the database is closed, or its files are not those that were opened."""
        if self._lost:
            raise _unavailable(self._lost)
        for file in self._files():
            if fault := file.fault():
                self.close(fault)

    def check(self, connection: Connection) -> None:
        """The same, and that `connection` leads to the database that was opened: as it is on the disk, not as SQLite
        remembers it. Raises Unavailable, and the database's own faults.
        """
        if self._file and self._log is None:
            self._log = _existing(self._file.with_name(f"{self._file.name}-wal"))
        self.check_files()
        try:
            if self._main:
                connection.exec_driver_sql("PRAGMA shrink_memory")
                self._check_truncation(connection, self._main)
            found = self._fingerprint_of(connection)
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlite_errorname", "") not in _NO_DATABASE:
                raise
            self.close("the ledger's file is no longer a database")
        if found != self._fingerprint:
            self.close("the ledger's database is another one than was opened")

    def forget_log(self) -> None:
        """Call where all connections are closed: the last one removes the write-ahead log."""
        self._log = None

    def close(self, reason: str) -> NoReturn:
        """Close the database until the process restarts. Raises Unavailable."""
        with self._lock:
            first, self._lost = self._lost is None, self._lost or reason
        if first:
            log.critical("ledger_lost", reason=reason)
        raise _unavailable(self._lost)

    def _check_truncation(self, connection: Connection, file: WatchedFile) -> None:
        """SQLite shortens its file only to what it holds (VACUUM)."""
        size = file.shrunk_to()
        if size is None:
            return
        if size == 0:
            self.close("the ledger's file was truncated while it was open")
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        if size < pages * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one()):
            self.close("the ledger's file was truncated while it was open")

    def _files(self) -> Iterator[WatchedFile]:
        yield from (file for file in (self._main, self._log) if file is not None)

    def _fingerprint_of(self, connection: Connection) -> Fingerprint | None:
        row = connection.exec_driver_sql(_FINGERPRINT[self._engine.dialect.name]).first()
        return None if row is None else tuple(row)


def _existing(path: Path) -> WatchedFile | None:
    try:
        return WatchedFile(path, "the ledger's write-ahead log")
    except OSError:
        return None


def _plain_file(engine: Engine) -> Path | None:
    """The path of an SQLite database; None on a server, and where the URL names no plain file."""
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    path = Path(name) if name else None
    return path if path and path.is_file() else None


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(f"{reason}; the gateway is closed until a restart", hint=_HINT)
