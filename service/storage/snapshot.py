"""Copies of the whole database as of one moment, while others go on writing; and putting one back.

SQLite is copied by its online backup within one read transaction, so a writer never makes it start again. PostgreSQL is
dumped by `pg_dump` from a snapshot that the reading transaction exports. Both end as one file.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import URL, Connection
from sqlalchemy.engine import make_url

from service.kit.errors import LedgerCorrupt, Unavailable

OnProgress = Callable[[int, int], None]
"""Called with the bytes done so far and all bytes."""

_PAGES_AT_ONCE = 2048


def copy_database(connection: Connection, target: Path, on_progress: OnProgress) -> None:
    """Write what `connection` reads in its transaction into the new file `target`.

    Raises Unavailable where `pg_dump` is missing or fails, and the database's own faults.
    """
    if connection.dialect.name == "sqlite":
        _copy_sqlite(connection, target, on_progress)
        return
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    _run("pg_dump", options, connection.engine.url)


def check_sqlite(path: Path) -> None:
    """Raises LedgerCorrupt where SQLite finds its own file damaged."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as damaged:
        raise LedgerCorrupt(f"the copy of the ledger cannot be read ({damaged})") from damaged
    if found != "ok":
        raise LedgerCorrupt("the copy of the ledger is damaged: SQLite's integrity check fails")


def check_dump(path: Path) -> None:
    """Read a whole dump. Raises Unavailable where `pg_restore` is missing or cannot read it."""
    _run("pg_restore", [f"--file={os.devnull}", str(path)], None)


def restore_dump(path: Path, url: str) -> None:
    """Replace the tables of the database at `url` by those of a dump, all or none.

    Raises Unavailable where `pg_restore` is missing or fails; the database is then as it was.
    """
    target = make_url(url)
    options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges", "--exit-on-error"]
    _run("pg_restore", [*options, f"--dbname={target.database}", str(path)], target)


def _copy_sqlite(connection: Connection, target: Path, on_progress: OnProgress) -> None:
    connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one()  # the snapshot begins here
    page = int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError("the driver is not sqlite3")

    def report(_status: int, remaining: int, total: int) -> None:
        on_progress((total - remaining) * page, total * page)

    with contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=_PAGES_AT_ONCE, progress=report)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


def _run(program: str, options: Sequence[str], url: URL | None) -> None:
    """Run one of PostgreSQL's programs. The password goes through its environment: arguments can be read by others."""
    found = shutil.which(program)
    if found is None:
        raise Unavailable(
            f"{program} is not on the PATH", hint="Install PostgreSQL's client programs, of the server's version."
        )
    environment = {**os.environ, **(_environment(url) if url else {})}
    done = subprocess.run(  # noqa: S603 - our own options
        [found, *options], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(f"{program} failed: {last}", hint="Read its message, and check COUNTERMARK_DATABASE_URL.")


def _environment(url: URL) -> dict[str, str]:
    """The address of a database as libpq's variables."""
    values: dict[str, str | None] = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password else None,
        "PGDATABASE": url.database,
        "PGSSLMODE": _text(url.query.get("sslmode")),
    }
    if socket := _text(url.query.get("unix_sock")):  # pg8000 takes the socket itself, libpq its folder and port
        values["PGHOST"], _, name = socket.rpartition("/")
        values["PGPORT"] = name.rpartition(".")[2]
    elif host := _text(url.query.get("host")):
        values["PGHOST"] = host
    return {name: value for name, value in values.items() if value}


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
