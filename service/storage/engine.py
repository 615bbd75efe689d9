"""Opening the database: durable SQLite settings, explicit transactions, the newest schema.

Both databases behave alike: a reader sees one state for its whole transaction, and there is one writer at a time.
SQLite does this by itself; PostgreSQL needs `REPEATABLE READ` for readers and an advisory lock for writers.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.kit.errors import Misconfigured, Unavailable
from service.storage import pg8000_driver
from service.storage.tables import REVISION

log = structlog.get_logger()

_BUSY_SECONDS = 30.0
_BUSY_PAUSE = 0.02  # between two attempts where SQLite does not wait by itself
_UPGRADE_SECONDS = 1800.0  # for another process that upgrades: millions of rows take minutes
_CONNECT_PAUSES = (0.1, 0.3, 0.6)  # between attempts to connect: a fail-over or a restart takes about a second
_SCRUB_SECONDS = 1.0  # truncating the write-ahead log blocks every writer while it waits for readers
# One connection per thread that needs one: writers waiting for the lock must not keep readers out. The number of
# threads is limited elsewhere; PostgreSQL accepts 100 connections by default.
_OPTIONS: Mapping[str, dict[str, Any]] = {
    "sqlite": {"connect_args": {"timeout": _BUSY_SECONDS}, "max_overflow": -1},
    "postgresql": {
        "isolation_level": "REPEATABLE READ",
        "pool_pre_ping": True,  # connections do not survive a restart of the server
        "max_overflow": 75,
    },
}
_FAULTS = (DBAPIError, PoolTimeout, sqlite3.Error)  # the last: from statements that bypass SQLAlchemy
_WRITERS = 0x434D_4C45_4447  # the key of the writers' advisory lock in PostgreSQL; arbitrary, but ours
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(url: str | URL) -> Engine:
    """An engine for `url` whose schema is at the newest revision.

    Raises:
        Misconfigured: SQLAlchemy does not understand the URL, its driver is not installed, or a newer version of
            Countermark created the database.
        LedgerCorrupt: rows refer to rows that are missing, so the database cannot be upgraded.
        Unavailable: the database cannot be opened or upgraded.
    """
    engine = connect_only(url)
    try:
        _upgrade(engine)
    except BaseException as fault:
        engine.dispose()
        if isinstance(fault, _FAULTS):  # at startup only the operator reads the database's own message
            raise Unavailable(f"the ledger's database cannot be opened: {getattr(fault, 'orig', fault)}") from fault
        raise
    return engine


def connect_only(url: str | URL) -> Engine:
    """An engine for `url`, whatever its schema is. Nothing is connected yet.

    Raises:
        Misconfigured: SQLAlchemy does not understand the URL, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        engine = create_engine(parsed, hide_parameters=True, **_OPTIONS.get(backend, {}), **_socket_options(parsed))
    except (ArgumentError, NoSuchModuleError, ImportError, TypeError) as wrong:  # the last: SQLite in memory
        raise Misconfigured(f"COUNTERMARK_DATABASE_URL cannot be used: {wrong}") from wrong
    if backend == "sqlite":
        _own_transactions(engine)
    elif parsed.get_driver_name() == "pg8000":
        pg8000_driver.notice_silence(engine)
        pg8000_driver.wrap_socket_faults(engine)
    return engine


def _socket_options(url: URL) -> Mapping[str, Any]:
    """PostgreSQL has no TLS on local sockets. pg8000 would ask for it at each connection, with every CA loaded."""
    return {"connect_args": {"ssl_context": False}} if "unix_sock" in url.query else {}


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from. Raises Unavailable where the database does not answer."""
    with _faults_as_unavailable("the ledger's database cannot be read"), _connected(engine) as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes the writers' lock first. So it sees everything that was written before it, nothing is
    written between its reads and its writes, and it never needs to be retried.

    Raises Unavailable where the database does not answer, cannot write, or holds a row that contradicts a new one;
    nothing is written then.
    """
    with _faults_as_unavailable("the ledger cannot be written"), _transaction(engine) as connection:
        yield connection


@contextlib.contextmanager
def _transaction(engine: Engine, seconds: float = _BUSY_SECONDS) -> Iterator[Connection]:
    """The writers' transaction, for whose lock it waits so many seconds."""
    with _connected(engine).execution_options(**_writer_options(engine)) as connection, connection.begin():
        _take_writers_lock(connection, seconds)
        yield connection


def _take_writers_lock(connection: Connection, seconds: float) -> None:
    """SQLite takes it with BEGIN. What comes after it waits for the locks of tables as briefly as ever: whoever waits
    for a table makes all others wait behind it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{seconds:g}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS:g}s'")


def _connected(engine: Engine) -> Connection:
    """A connection that answers. Connecting is tried again for a second where a server restarts or fails over, because
    nothing was asked yet. Once a transaction has begun, nothing is repeated: its caller gets Unavailable and decides.
    """
    for pause in _CONNECT_PAUSES if engine.dialect.name == "postgresql" else ():
        try:
            return engine.connect()
        except DBAPIError as fault:
            if not _may_pass(fault):
                raise
            time.sleep(pause)
    return engine.connect()


def _may_pass(fault: DBAPIError) -> bool:
    """The server is starting, stopping or not there: not that it refuses the user, the password or the database.
    Classes 08 (connection), 53 (resources) and 57 (intervention) of SQLSTATE; without one, there was no answer."""
    name, _ = _describe(fault.orig or fault)
    return name[:2] in ("08", "53", "57") or not name[:1].isdigit()


def _writer_options(engine: Engine) -> dict[str, Any]:
    """With repeatable reads, a writer would see the state from before it waited for the lock."""
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "READ COMMITTED"}
    return {"countermark_writes": True}


def scrub(engine: Engine) -> None:
    """Remove the traces of deleted data: SQLite overwrites it (`secure_delete`), and the write-ahead log is truncated.

    Raises:
        Unavailable: a reader still uses an older state, so the log could not be truncated, or the disk fails.
    """
    if engine.dialect.name != "sqlite":
        return
    with _faults_as_unavailable("the data is deleted, but traces remain in the database's log"):
        busy = _truncate_log(engine)
    if busy:
        raise Unavailable(
            "the data is deleted, but traces remain in the database's log, which a reader still uses",
            hint="Run `countermark audit verify` to its end; the next deletion, or a restart, clears the log.",
        )


def _truncate_log(engine: Engine) -> bool:
    """Truncate the write-ahead log; True where a reader prevented it."""
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
def _faults_as_unavailable(what: str) -> Iterator[None]:
    """Turn the database's faults into Unavailable. Their own text (hosts, paths, values) goes to the log alone."""
    try:
        yield
    except _FAULTS as fault:
        name, message = _describe(getattr(fault, "orig", None) or fault)
        log.error("database_fault", error=name, message=message)
        raise Unavailable(f"{what} ({name})") from fault


def _describe(fault: BaseException) -> tuple[str, str]:
    """SQLite's name for the fault, PostgreSQL's SQLSTATE, or else the class; and the message."""
    if isinstance(fault, sqlite3.Error):
        return getattr(fault, "sqlite_errorname", type(fault).__name__), str(fault)
    fields = (
        fault.args[0] if fault.args and isinstance(fault.args[0], dict) else {}
    )  # pg8000, by the protocol's letters
    return fields.get("C", type(fault).__name__), fields.get("M", str(fault))


def _own_transactions(engine: Engine) -> None:
    """Issue BEGIN ourselves (SQLAlchemy's recipe for pysqlite), and make every commit reach the disk."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        _use_write_ahead_log(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("countermark_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Where two processes open a new database at once, SQLite lets one change its journal and does not wait for it in
    the other, whatever the time-out of the connection."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return


def _upgrade(engine: Engine) -> None:
    """Run the missing migrations, all or none. Two processes may start at once: the writers' lock lets one do the work,
    and the other waits for it and finds nothing to do."""
    with _connected(engine) as looking:
        before = revision_in(looking)
    if before == REVISION:
        return
    from alembic import command  # noqa: PLC0415 - takes 0.2 s to import, needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with _without_foreign_keys(engine), _transaction(engine, _UPGRADE_SECONDS) as connection:
        config.attributes["connection"] = connection
        config.attributes["created"] = before is None
        try:
            command.upgrade(config, "head")
        except CommandError as newer:
            raise Misconfigured(
                f"the ledger's database is at a revision that this version does not know ({newer})",
                hint="A newer version of Countermark created it: run that version, or restore an earlier backup.",
            ) from newer


@contextlib.contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[None]:
    """SQLite changes a table by making it anew, and must not take that for a deletion of the rows that others refer to.
    It knows this switch per connection, and outside transactions alone: hence all connections of this engine, for now.
    """
    if engine.dialect.name != "sqlite":
        yield
        return

    def switch_off(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA busy_timeout={_UPGRADE_SECONDS * 1000:.0f}")

    engine.dispose()
    event.listen(engine, "connect", switch_off)
    try:
        yield
    finally:
        event.remove(engine, "connect", switch_off)
        engine.dispose()


def revision_in(connection: Connection) -> str | None:
    """The revision of the schema; None in a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
