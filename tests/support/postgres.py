"""A PostgreSQL of the tests' own: started in a temporary folder, reached by a socket in it, and gone afterwards."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "countermark"
_UNPRIVILEGED = "postgres"  # whom the server runs as where the tests run as root: it refuses that


def _binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; the newest of Debian's, which are not on the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    here = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    return max(here, key=lambda path: float(path.parent.name), default=None)


def _missing() -> str:
    if _binaries() is None:
        return "there is no PostgreSQL server (Debian: apt-get install postgresql)"
    if importlib.util.find_spec("pg8000") is None:
        return "pg8000 is missing (pip install -e '.[postgresql]')"
    return ""


WITHOUT_POSTGRESQL = f"NOT TESTED: {_missing()}" if _missing() else ""
"""Why PostgreSQL is not tested here; empty where it is."""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a running server, as an SQLAlchemy URL with `{database}` in it."""
    binaries = _binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="countermark-postgres-"))
    data = folder / "data"
    who: dict[str, object] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(folder, account.pw_uid, account.pw_gid)
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": folder}
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c autovacuum=off"
    try:
        _run([str(binaries / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"], who)
        _run([*control, "-o", options, "start"], who)
        try:
            yield f"postgresql+pg8000://{_USER}@/{{database}}?unix_sock={folder}/.s.PGSQL.5432"
        finally:
            _run([*control, "-m", "immediate", "stop"], who)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def database(address: str, template: str = "template1") -> Iterator[str]:
    """The URL of a new database, a copy of the one called `template` (default: empty); dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(
        address.format(database="postgres"), isolation_level="AUTOCOMMIT", connect_args={"ssl_context": False}
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield address.format(database=name)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


class ClearedDatabase:
    """A database with our schema that many tests use, one after the other, each of which finds it as it was at first.
    Deleting rows takes a tenth of the time of copying a database."""

    def __init__(self, address: str, template: str) -> None:
        """Copies the database called `template`."""
        self._address, self._template = address, template
        self._open = contextlib.ExitStack()
        self._begin()

    def cleared(self) -> str:
        """Its URL, after the rows of the test before were deleted. Of another one if that test changed more."""
        try:
            with self._engine.begin() as connection:
                same = connection.exec_driver_sql(_SCHEMA).scalar_one() == self._schema
                if same:
                    connection.exec_driver_sql(self._restoring)
        except DBAPIError:  # it is gone
            same = False
        if not same:
            self._open.close()
            self._begin()
        return self._url

    def close(self) -> None:
        self._open.close()

    def _begin(self) -> None:
        self._url = self._open.enter_context(database(self._address, self._template))
        self._engine = create_engine(self._url, poolclass=NullPool, connect_args={"ssl_context": False})
        with self._engine.begin() as connection:
            self._schema = connection.exec_driver_sql(_SCHEMA).scalar_one()
            self._restoring = "; ".join(_restoring(connection))


def _restoring(connection: Connection) -> Iterator[str]:
    """Statements that bring back the rows that there are now, and no others."""
    yield "SET LOCAL session_replication_role = replica"  # foreign keys are not followed
    tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars().all()
    for table in tables:
        yield f'DELETE FROM "{table}"'
        if rows := connection.exec_driver_sql(f'SELECT quote_literal(json_agg(t)::text) FROM "{table}" t').scalar_one():
            yield f'INSERT INTO "{table}" SELECT * FROM json_populate_recordset(NULL::"{table}", {rows})'
    yield "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 2200"


_SCHEMA = """
    SELECT md5(concat(
        (SELECT string_agg(concat(oid, relname, relacl), ' ' ORDER BY oid) FROM pg_class WHERE relnamespace = 2200),
        (SELECT string_agg(concat(attrelid, attname, attnotnull), ' ' ORDER BY attrelid, attnum) FROM pg_attribute
            WHERE attrelid > 16383 AND attnum > 0),
        (SELECT string_agg(concat(oid, tgenabled), ' ' ORDER BY oid) FROM pg_trigger),
        (SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_constraint),
        (SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_proc WHERE oid > 16383)
    ))
"""
"""Of the schema `public` (2200): its tables, columns, triggers, constraints and functions, as one digest."""


def _run(command: list[str], who: dict[str, object]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)  # type: ignore[call-overload]
