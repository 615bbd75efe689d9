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

from sqlalchemy import create_engine, text

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
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
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
    engine = create_engine(address.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield address.format(database=name)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def _run(command: list[str], who: dict[str, object]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)  # type: ignore[call-overload]
