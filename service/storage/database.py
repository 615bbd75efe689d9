"""One database, and its two kinds of transactions."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Engine

from service.storage.engine import open_engine, reading, scrub, writing
from service.storage.session import Session


class Database:
    """An open database with the newest schema. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, location: str | Path) -> "Database":
        """Open a URL or an SQLite file. Raises Misconfigured, Unavailable as `open_engine`."""
        url = URL.create("sqlite", database=str(location)) if isinstance(location, Path) else location
        return cls(open_engine(url))

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state. Raises Unavailable where the database does not answer."""
        with reading(self.engine) as connection:
            yield Session(connection, writable=False)

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that holds the writers' lock. It is committed at the end, and not at all if anything raises.

        Raises Unavailable where the database does not answer, cannot write, or holds a row that contradicts the new
        one.
        """
        with writing(self.engine) as connection:
            yield Session(connection, writable=True)

    def scrub(self) -> None:
        """Remove the traces of what was deleted. Raises Unavailable as `service.storage.engine.scrub`."""
        scrub(self.engine)
