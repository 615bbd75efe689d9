"""Noticing that the open database is no longer the one that was opened.

A database that is moved, deleted or replaced while it is open goes on taking rows, into a file that has no name any
more. So each transaction compares: the files' device and inode (SQLite), and the database's own id; on PostgreSQL also
the number of the database and the identifier of the server. Once they differ, the database stays closed until the
process restarts: rows that were written meanwhile, and rows of the other database, must not be mixed.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import structlog
from sqlalchemy import Connection, Engine

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
_TRUNCATED = "the ledger's file was truncated while it was open"
_HINT = "Nothing is released. The operator: put the ledger back, or restore a backup, and restart; see docs/backup.md."


@dataclass(frozen=True, slots=True)
class Changes:
    """A file was written to: its size in bytes now, and whether it has become smaller."""

    size: int
    shrunk: bool


class WatchedFile:
    """A file by its device and inode. It may grow, and only the database itself makes it smaller."""

    def __init__(self, path: Path, what: str) -> None:
        """Raises OSError where there is no such file."""
        self._path = str(path)
        self._what = what
        self._found = self._read = os.stat(self._path)  # noqa: PTH116 - every decision waits for it

    def fault(self) -> str | None:
        """What happened to the file; None: it is still there."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - the same
        except OSError:
            return f"{self._what} was moved or deleted while it was open"
        if (found.st_ino, found.st_dev) != (self._found.st_ino, self._found.st_dev):
            return f"{self._what} was replaced while it was open"
        self._found = found
        return None

    def changes(self) -> Changes | None:
        """What was written into the file since the last call, up to the last call of `fault`; None: nothing was."""
        before, self._read = self._read, self._found
        if _state(before) == _state(self._read):
            return None
        return Changes(self._read.st_size, shrunk=self._read.st_size < before.st_size)


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
        """Within a transaction: `connection` leads to the database that was opened, as it is on the disk and not as
        SQLite remembers it. Raises Unavailable, and the database's own faults.
        """
        if self._file and self._log is None:
            self._log = _existing(self._file.with_name(f"{self._file.name}-wal"))
        if self._lost:
            raise _unavailable(self._lost)
        try:
            if self._main:
                self._check_main(connection, self._main)
            found = self._fingerprint_of(connection)
        except sqlite3.Error as fault:
            if fault.sqlite_errorname not in _NO_DATABASE:
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

    def _check_main(self, connection: Connection, file: WatchedFile) -> None:
        """Where somebody wrote into the file (a checkpoint of SQLite, or anybody else), SQLite reads it again. It is
        SQLite that shortens it, and only to what it holds (VACUUM)."""
        if fault := file.fault():
            self.close(fault)
        changes = file.changes()
        if changes is None:
            return
        if changes.size == 0:
            self.close(_TRUNCATED)
        _ask_sqlite(connection, "PRAGMA shrink_memory")
        if changes.shrunk:
            (pages,), (page,) = (_ask_sqlite(connection, f"PRAGMA page_{what}") or (0,) for what in ("count", "size"))
            if changes.size < pages * page:
                self.close(_TRUNCATED)

    def _files(self) -> Iterator[WatchedFile]:
        yield from (file for file in (self._main, self._log) if file is not None)

    def _fingerprint_of(self, connection: Connection) -> Fingerprint | None:
        dialect = self._engine.dialect.name
        if dialect == "sqlite":
            return _ask_sqlite(connection, _FINGERPRINT[dialect])
        row = connection.exec_driver_sql(_FINGERPRINT[dialect]).first()
        return None if row is None else tuple(row)


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _ask_sqlite(connection: Connection, statement: str) -> tuple[Any, ...] | None:
    """The first row of a statement, without what SQLAlchemy does around one: every decision waits for it."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the driver is not sqlite3")
    with contextlib.closing(driver.execute(statement)) as cursor:
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


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
