"""Opening the database: durable SQLite settings, honest transactions, schema at the newest revision.

Both databases behave alike: who reads sees one state for the whole transaction, and one writes at a time. SQLite does
so by itself; PostgreSQL is told to (`REPEATABLE READ` for readers, an advisory lock for writers).
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.kit.errors import Misconfigured, Unavailable
from service.storage.tables import REVISION

log = structlog.get_logger()

_BUSY_SECONDS = 30.0
_SCRUB_SECONDS = 1.0  # emptying the log holds up every writer while it waits for readers
# A connection for each thread that asks: writers that wait for their turn must not keep readers from theirs. The
# threads are counted elsewhere; PostgreSQL takes 100 connections as it comes.
_OPTIONS: Mapping[str, dict[str, Any]] = {
    "sqlite": {"connect_args": {"timeout": _BUSY_SECONDS}, "max_overflow": -1},
    "postgresql": {
        "isolation_level": "REPEATABLE READ",
        "pool_pre_ping": True,  # connections outlive no restart
        "max_overflow": 75,
    },
}
_FAULTS = (DBAPIError, PoolTimeout, sqlite3.Error)  # the last: of statements that SQLAlchemy does not see
_WRITERS = 0x434D_4C45_4447  # the number of the writers' lock in PostgreSQL, any one that is ours
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(url: str | URL) -> Engine:
    """An engine for `url` whose schema is at the newest revision.

    Raises:
        Misconfigured: the URL is not one SQLAlchemy understands, its driver is not installed, or the database was
            made by a newer version of ours.
        Unavailable: the database cannot be opened or upgraded.
    """
    try:
        backend = make_url(url).get_backend_name()
        engine = create_engine(url, hide_parameters=True, **_OPTIONS.get(backend, {}))
    except (ArgumentError, NoSuchModuleError, ImportError, TypeError) as wrong:  # the last: SQLite in memory
        raise Misconfigured(f"COUNTERMARK_DATABASE_URL cannot be used: {wrong}") from wrong
    if backend == "sqlite":
        _own_transactions(engine)
    try:
        _upgrade(engine)
    except _FAULTS as fault:  # at start: these words are for the operator alone
        raise Unavailable(f"the ledger's database cannot be opened: {getattr(fault, 'orig', fault)}") from fault
    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from. Raises Unavailable where the database does not answer."""
    with _told("the ledger's database cannot be read"), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes the write lock at its start, so that read-then-write cannot deadlock, and that sees
    everything written before it.

    Raises:
        IntegrityError: what is written contradicts what is there; nothing is written.
        Unavailable: the database does not answer, or cannot write.
    """
    with _told("the ledger cannot be written"), _transaction(engine) as connection:
        yield connection


@contextlib.contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(**_writer(engine)) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS:g}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
        yield connection


def _writer(engine: Engine) -> dict[str, Any]:
    """Repeatable reads would show a writer the state from before it waited for the lock."""
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "READ COMMITTED"}
    return {"countermark_writes": True}


def scrub(engine: Engine) -> None:
    """Leave no trace of what was deleted: SQLite overwrites it (`secure_delete`), and the log of writes is emptied.

    Raises:
        Unavailable: somebody reads an older state just now, so the log could not be emptied, or the disk fails.
    """
    if engine.dialect.name != "sqlite":
        return
    with _told("it is deleted, but traces are left in the database's log"):
        busy = _empty_log(engine)
    if busy:
        raise Unavailable(
            "it is deleted, but traces are left in the database's log, which somebody reads",
            hint="Run `countermark audit verify` to its end; the next deletion, or a restart, clears the log.",
        )


def _empty_log(engine: Engine) -> bool:
    """Whether somebody was in the way."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_SCRUB_SECONDS * 1000:.0f}")
        try:
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000:.0f}")
    finally:
        connection.close()
    return bool(busy)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn the database's faults into Unavailable. Its own words (hosts, paths, values) are for the log alone."""
    try:
        yield
    except IntegrityError:
        raise
    except _FAULTS as fault:
        name, words = _name(getattr(fault, "orig", None) or fault)
        log.error("database_fault", error=name, words=words)
        raise Unavailable(f"{what} ({name})") from fault


def _name(fault: BaseException) -> tuple[str, str]:
    """SQLite's name of the fault, PostgreSQL's SQLSTATE, or else its class; and what it says."""
    if isinstance(fault, sqlite3.Error):
        return getattr(fault, "sqlite_errorname", type(fault).__name__), str(fault)
    told = (
        fault.args[0] if fault.args and isinstance(fault.args[0], dict) else {}
    )  # pg8000: by the letters of its fields
    return told.get("C", type(fault).__name__), told.get("M", str(fault))


def _own_transactions(engine: Engine) -> None:
    """Issue BEGIN ourselves (SQLAlchemy's recipe for pysqlite), and make every commit reach the disk."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("countermark_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(engine: Engine) -> None:
    """Run the missing migrations. Two processes may start at once: the write lock lets one do the work."""
    if _revision(engine) == REVISION:
        return
    from alembic import command  # noqa: PLC0415 - 0.2 s to import, needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with _transaction(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as newer:
            raise Misconfigured(
                f"the ledger's database is at a revision that this version does not know ({newer})",
                hint="A newer Countermark made it: run that one, or restore the backup from before.",
            ) from newer


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
