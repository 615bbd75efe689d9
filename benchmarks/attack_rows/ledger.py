"""Attacks on the ledger: its file is moved, replaced, emptied, cut or removed, and others read its files.

    python benchmarks/attacks.py --only ledger

Each function returns rows (name, before, after, held): `before` is what version 0.1 did. SQLite; PostgreSQL where its
programs are installed (`initdb`).
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from benchmarks.attack_rows import Row
from service.api import create_app
from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.errors import Error
from service.kit.settings import Settings
from service.ledger.ledger import Ledger
from tests.support.gateway import builder
from tests.support.issued import fill
from tests.support.postgres import WITHOUT_POSTGRESQL, database, server

ORDER = {"prompt": "a lake at dawn"}


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def overwrite(path: Path) -> None:
    Ledger.open(path.with_name("other.db")).close()
    path.write_bytes(path.with_name("other.db").read_bytes())


def truncate(path: Path) -> None:
    path.write_bytes(b"")


def remove_the_log(path: Path) -> None:
    path.with_name("ledger.db-wal").unlink()


def empty_the_tables(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.executescript("DELETE FROM images; DELETE FROM decisions")


WHILE_SERVING: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("ledger.db moved away while serving", move),
    ("ledger.db deleted while serving", Path.unlink),
    ("ledger.db replaced by a copy while serving", replace),
    ("ledger.db overwritten by another ledger while serving", overwrite),
    ("ledger.db truncated while serving", truncate),
    ("write-ahead log deleted while serving", remove_the_log),
    ("every row deleted while serving", empty_the_tables),
)


def while_serving() -> Iterator[Row]:
    """An order and a readiness probe after the ledger was changed under the running server."""
    for name, change in WHILE_SERVING:
        with installation() as opened, served(opened) as client:
            opened.ledger.scrub()
            change(opened.settings.home / "ledger.db")
            yield answered(name, client)


def on_postgresql() -> Iterator[Row]:
    """The same on PostgreSQL: its rows are deleted, or another database takes its name."""
    name = "every row deleted while serving, PostgreSQL"
    if WITHOUT_POSTGRESQL:
        yield Row(name, "released, ready", WITHOUT_POSTGRESQL, False)
        return
    with server() as address, database(address) as url, installation(url) as opened, served(opened) as client:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE images, decisions CASCADE")
        engine.dispose()
        yield answered(name, client)


def after_a_restart() -> Iterator[Row]:
    """A new process on a home folder whose ledger is gone, empty or another."""
    changes = (
        ("ledger.db removed", Path.unlink),
        ("ledger.db emptied", truncate),
        ("every row deleted", empty_the_tables),
        ("ledger.db replaced by a new one", replace_by_a_new_one),
    )
    for name, change in changes:
        with installation() as opened:
            opened.close()
            change(opened.settings.home / "ledger.db")
            try:
                open_installation(opened.settings).close()
                after, held = "started", False
            except Error as refused:
                after, held = f"refused ({refused.code})", refused.code == "ledger_mismatch"
            yield Row(f"{name}, then a new process", "an empty ledger, its audit finds nothing", after, held)


def replace_by_a_new_one(path: Path) -> None:
    path.unlink()
    Ledger.open(path).close()


def modes() -> Iterator[Row]:
    """Files of an existing home folder that others can read, and those of a new one under umask 0."""
    with installation() as opened:
        opened.close()
        home = opened.settings.home
        home.chmod(0o755)
        (home / "ledger.db").chmod(0o644)
        again = open_installation(opened.settings)
        yield Row("ledger.db 0644 in an existing home", "0644", *private(home))
        again.close()
    before = os.umask(0)
    try:
        with installation() as opened:
            yield Row("umask 0 at first start", "0644", *private(opened.settings.home))
    finally:
        os.umask(before)


def private(home: Path) -> tuple[str, bool]:
    """The widest rights of any file or folder in a home, and whether nobody else has any."""
    widest = max((path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))), key=lambda mode: mode & 0o077)
    return f"at most {widest:04o}", not widest & 0o077


def answered(name: str, client: TestClient) -> Row:
    """What an order gets, and what readiness says."""
    order = client.post("/v1/images/generations", json=ORDER)
    ready = client.get("/readyz")
    released = "released" if order.status_code == 200 else f"{order.status_code}, nothing released"
    held = order.status_code == 503 and ready.status_code == 503
    return Row(name, "released, /readyz 200", f"{released}, /readyz {ready.status_code}", held)


@contextlib.contextmanager
def installation(url: str | None = None) -> Iterator[Installation]:
    """An installation with a few rows, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_installation(Settings(home=Path(folder) / "home", threads=1, database_url=url))
        fill(opened.ledger)
        try:
            yield opened
        finally:
            opened.close()


@contextlib.contextmanager
def served(opened: Installation) -> Iterator[TestClient]:
    """A client of its API, whose gateway paints."""
    opened._gateway = builder(opened)()
    app = create_app(opened)
    logs.configure("critical")  # the table is the output; the application has chosen its own level
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post("/v1/images/generations", json=ORDER).status_code == 200, "it releases before the attack"
        yield client


ATTACKS = (while_serving, on_postgresql, after_a_restart, modes)
