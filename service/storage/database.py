"""One database, and its two kinds of transactions."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from service.kit.errors import Unavailable
from service.storage.engine import open_engine, reading, scrub, writing
from service.storage.session import Session
from service.storage.snapshot import OnProgress, copy_database
from service.storage.watch import DatabaseWatch

_PRIVATE = 0o600


class Database:
    """An open database with the newest schema. Safe to share between threads.

    It closes for good, with Unavailable, once it is no longer the database that was opened: see `DatabaseWatch`.
    """

    def __init__(self, engine: Engine, watch: DatabaseWatch | None = None) -> None:
        """Without a `watch`, a database that is replaced is not noticed."""
        self.engine = engine
        self._watch = watch
        self._writes_fail = False

    @classmethod
    def open(cls, location: str | Path) -> "Database":
        """Open a URL or an SQLite file. A new file is readable by its owner alone, and so are the files beside it.

        Raises Misconfigured, Unavailable as `open_engine`.
        """
        if file := sqlite_file(location):
            _create_private(file)
        url = URL.create("sqlite", database=str(location)) if isinstance(location, Path) else location
        engine = open_engine(url)
        try:
            with reading(engine) as connection:
                return cls(engine, DatabaseWatch(connection))
        except BaseException:
            engine.dispose()
            raise

    def close(self) -> None:
        self.engine.dispose()
        if self._watch:
            self._watch.forget_log()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state. Raises Unavailable where the database does not answer or was replaced."""
        self._check_files()
        with reading(self.engine) as connection:
            yield Session(connection, writable=False)

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that holds the writers' lock. It is committed at the end, and not at all if anything raises.

        Raises Unavailable where the database does not answer, cannot write, holds a row that contradicts the new
        one, or is no longer the one that was opened: also if it was moved just before the commit.
        """
        self._check_files()
        with self._noting_failures(), writing(self.engine) as connection:
            if self._watch:
                self._watch.check(connection)
            yield Session(connection, writable=True)
        self._check_files()

    def check(self) -> None:
        """What is on the disk is the database that was opened, and it can be written if the last write failed.

        Raises Unavailable.
        """
        self._check_files()
        with reading(self.engine) as connection:
            if self._watch:
                self._watch.check(connection)
        if self._writes_fail:
            with self.write() as session:
                session.rewrite_identity()

    @contextlib.contextmanager
    def snapshot(self, target: Path, on_progress: OnProgress) -> Iterator[Session]:
        """Copy the database into the new file `target`, and read from the very state that was copied.

        Raises Unavailable as `read`, or where `pg_dump` is missing or fails.
        """
        self._check_files()
        with reading(self.engine) as connection:
            if self._watch:
                self._watch.check(connection)
            copy_database(connection, target, on_progress)
            yield Session(connection, writable=False)

    def abandon(self, reason: str) -> NoReturn:
        """Close the database until the process restarts: what it holds is not what it held. Raises Unavailable."""
        if self._watch:
            self._watch.close(reason)
        raise Unavailable(reason)

    def scrub(self) -> None:
        """Remove the traces of what was deleted. Raises Unavailable as `service.storage.engine.scrub`."""
        self._check_files()
        scrub(self.engine)

    def _check_files(self) -> None:
        if self._watch:
            self._watch.check_files()

    @contextlib.contextmanager
    def _noting_failures(self) -> Iterator[None]:
        try:
            yield
        except Unavailable:
            self._writes_fail = True
            raise
        self._writes_fail = False


def sqlite_file(location: str | Path) -> Path | None:
    """The file that a location names; None for a server, and for what `open_engine` refuses."""
    if isinstance(location, Path):
        return location
    try:
        url = make_url(location)
    except ArgumentError:
        return None
    plain = url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:"))
    return Path(url.database) if plain and url.database else None


def _create_private(path: Path) -> None:
    """Create an empty file, whatever the umask is. SQLite gives the files beside it the same mode."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except OSError:  # it exists, or the database will say why it cannot be opened
        return
    try:
        os.fchmod(descriptor, _PRIVATE)
    finally:
        os.close(descriptor)
