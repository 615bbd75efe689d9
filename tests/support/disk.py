"""A home folder made once and copied, and a disk that is not waited for: what each test would otherwise pay again.

Neither changes what a process can see of its own writes. Only a power failure could, which no test here brings about;
tests that kill a process run it as one of its own, with everything switched on.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

from service.installation import open_installation
from service.kit.settings import PREFIX, Settings


def make_home(folder: Path, provider: str) -> Path:
    """The home folder of a fresh installation: keys, a development PKI and a ledger at the newest revision."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        open_installation(Settings(home=folder, threads=1, provider=provider)).close()
    return folder


def copy_home(template: Path, settings: Settings) -> None:
    """Fills the settings' home from `template`, unless it is there or keeps its ledger elsewhere."""
    if not settings.home.exists() and settings.database_url is None:
        shutil.copytree(template, settings.home)


@contextmanager
def unsynced() -> Iterator[None]:
    """Nothing waits until it has reached the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        event.listen(Pool, "checkout", _stop_waiting)
        try:
            yield
        finally:
            event.remove(Pool, "checkout", _stop_waiting)


def _stop_waiting(connection: DBAPIConnection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    if isinstance(connection, sqlite3.Connection) and not entry.info.get("unsynced"):
        connection.execute("PRAGMA synchronous=OFF")
        entry.info["unsynced"] = True
