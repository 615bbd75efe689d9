"""The condition of a database, for its operator: schema, integrity, sizes, and when it was last vacuumed.

Nothing is changed and nothing is upgraded, so an older or newer database can be looked at, also while others use it.
"""

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from service.kit.errors import NotFound
from service.storage.database import sqlite_file
from service.storage.engine import connect_only, reading, revision_in
from service.storage.tables import REVISION, metadata

State = Literal["current", "older", "newer", "empty"]

_MOST_PROBLEMS = 10
_DEAD_ROWS, _DEAD_SHARE = 10_000, 0.2  # PostgreSQL's own threshold for autovacuum (share), from a size that matters
_FREE_SHARE = 0.25
_OLD_TRANSACTIONS = 1_000_000_000  # of the 2.1e9 at which PostgreSQL stops writing; autovacuum begins at 2e8


@dataclass(frozen=True, slots=True)
class TableCondition:
    """One table. `rows` is PostgreSQL's estimate, or None before its first ANALYZE and on SQLite, where counting reads
    everything. `bytes` includes indexes; None where SQLite was built without `dbstat`."""

    name: str
    rows: int | None
    bytes: int | None
    dead_rows: int | None = None
    vacuumed_at: dt.datetime | None = None
    analyzed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class DatabaseCondition:
    """`revision` is the schema's and `newest` the one that this version needs. `problems` say what is damaged, `advice`
    what the operator may do. `bytes` on the disk, without PostgreSQL's log; `free_bytes` of them are unused (SQLite).
    """

    backend: str
    version: str
    state: State
    revision: str | None
    newest: str
    bytes: int
    free_bytes: int | None
    tables: tuple[TableCondition, ...]
    problems: tuple[str, ...]
    advice: tuple[str, ...]


def condition_of(location: str | Path) -> DatabaseCondition:
    """Look at the database at a URL or in an SQLite file. Reads the whole of an SQLite file.

    Raises:
        NotFound: there is no such file; none is made.
        Misconfigured: SQLAlchemy does not understand the URL, or its driver is not installed.
        Unavailable: the database does not answer.
    """
    with _looking(location) as connection:
        return _LOOKS[connection.dialect.name](connection, revision_in(connection))


def revision_at(location: str | Path) -> str | None:
    """The revision of the schema alone; None where there is none. Raises as `condition_of`."""
    with _looking(location) as connection:
        return revision_in(connection)


@contextmanager
def _looking(location: str | Path) -> Iterator[Connection]:
    if (file := sqlite_file(location)) and not file.exists():
        raise NotFound(f"there is no database at {file}", hint="`countermark db upgrade` makes one; or see `restore`.")
    engine = connect_only(URL.create("sqlite", database=str(location)) if isinstance(location, Path) else location)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _state(revision: str | None) -> State:
    if revision is None:
        return "empty"
    if revision == REVISION:
        return "current"
    return "older" if revision < REVISION else "newer"  # revisions are numbers of four digits


def _sqlite(connection: Connection, revision: str | None) -> DatabaseCondition:
    page, pages, free = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_size", "page_count", "freelist_count")
    )
    return DatabaseCondition(
        backend="sqlite",
        version=sqlite3.sqlite_version,
        state=_state(revision),
        revision=revision,
        newest=REVISION,
        bytes=page * pages,
        free_bytes=page * free,
        tables=tuple(_sqlite_tables(connection)),
        problems=tuple(_sqlite_problems(connection)),
        advice=tuple(_sqlite_advice(free, pages)),
    )


def _sqlite_problems(connection: Connection) -> Iterator[str]:
    try:
        for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_PROBLEMS})").fetchall():
            if line != "ok":
                yield line.splitlines()[-1]
        for table, _row, parent, _key in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(
            _MOST_PROBLEMS
        ):
            yield f"a row of {table} refers to a row of {parent} that is missing"
    except DBAPIError as damaged:
        if getattr(damaged.orig, "sqlite_errorname", None) != "SQLITE_CORRUPT":
            raise
        yield "SQLite cannot read the file to its end: it is damaged"


def _sqlite_tables(connection: Connection) -> Iterator[TableCondition]:
    sizes: dict[str, int] = {}
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        try:
            with closing(raw.execute(_SQLITE_SIZES)) as rows:
                sizes = dict(rows)
        except sqlite3.DatabaseError:  # built without `dbstat`, or damaged, which the check tells
            sizes = {}
    names = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name in sorted(names & set(metadata.tables)):
        yield TableCondition(name, None, sizes.get(name))


def _sqlite_advice(free: int, pages: int) -> Iterator[str]:
    if pages and free / pages > _FREE_SHARE and free > _DEAD_ROWS:
        yield f"{free / pages:.0%} of the file is free: stop the server and run VACUUM with sqlite3 to make it smaller"


def _postgresql(connection: Connection, revision: str | None) -> DatabaseCondition:
    tables = tuple(
        TableCondition(*row) for row in connection.exec_driver_sql(_POSTGRESQL_TABLES) if row[0] in metadata.tables
    )
    version, size = connection.exec_driver_sql(
        "SELECT current_setting('server_version'), pg_database_size(current_database())"
    ).one()
    return DatabaseCondition(
        backend="postgresql",
        version=version,
        state=_state(revision),
        revision=revision,
        newest=REVISION,
        bytes=size,
        free_bytes=None,
        tables=tables,
        problems=tuple(_postgresql_problems(connection)),
        advice=tuple(_postgresql_advice(connection, tables)),
    )


def _postgresql_problems(connection: Connection) -> Iterator[str]:
    for (name,) in connection.exec_driver_sql(_INVALID_INDEXES):
        yield f"the index {name} is not valid: run REINDEX INDEX {name}"
    for table, name in connection.exec_driver_sql(_INVALID_KEYS):
        yield f"the constraint {name} of {table} is not validated"
    failures = connection.exec_driver_sql(_CHECKSUM_FAILURES).scalar_one_or_none()
    if failures:
        yield f"{failures} pages did not match their checksums"


def _postgresql_advice(connection: Connection, tables: tuple[TableCondition, ...]) -> Iterator[str]:
    for table in tables:
        dead, rows = table.dead_rows or 0, table.rows or 0
        if dead > _DEAD_ROWS and dead > _DEAD_SHARE * rows:
            yield f"{table.name} has {dead:,} dead rows: is autovacuum on? Run VACUUM (ANALYZE) {table.name}"
        elif rows > _DEAD_ROWS and table.analyzed_at is None:
            yield f"{table.name} was never analysed: run ANALYZE {table.name}"
    age = connection.exec_driver_sql(
        "SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()"
    ).scalar_one()
    if age > _OLD_TRANSACTIONS:
        yield f"the oldest transaction id is {age:,} old: run VACUUM FREEZE before 2,100,000,000"
    if connection.exec_driver_sql("SHOW data_checksums").scalar_one() != "on":
        yield "data checksums are off, so damage of the disk is not noticed: see pg_checksums"


_LOOKS: Mapping[str, Callable[[Connection, str | None], DatabaseCondition]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}

_SQLITE_SIZES = """
SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name
WHERE s.aggregate = TRUE GROUP BY m.tbl_name
"""
_POSTGRESQL_TABLES = """
SELECT c.relname, CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END, pg_total_relation_size(c.oid),
       s.n_dead_tup, greatest(s.last_vacuum, s.last_autovacuum), greatest(s.last_analyze, s.last_autoanalyze)
FROM pg_class AS c JOIN pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.relkind = 'r' AND s.schemaname = current_schema() ORDER BY c.relname
"""
_INVALID_INDEXES = """
SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
"""
_INVALID_KEYS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE NOT convalidated AND connamespace = current_schema()::regnamespace ORDER BY conname
"""
_CHECKSUM_FAILURES = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
