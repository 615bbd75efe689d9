"""Everything in this folder runs on PostgreSQL instead of SQLite, with the very tests that SQLite passes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from service.kit.settings import PREFIX, Settings
from service.ledger.ledger import Ledger
from service.storage import Database
from tests.support.postgres import WITHOUT_POSTGRESQL, ClearedDatabase, database, server


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    if WITHOUT_POSTGRESQL:
        pytest.skip(WITHOUT_POSTGRESQL)
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def template(address: str) -> Iterator[str]:
    """The name of a database with our schema and no connections, to be copied: migrating each one costs a second."""
    with database(address) as fresh:
        Database.open(fresh).close()
        yield str(make_url(fresh).database)


@pytest.fixture
def empty_url(address: str) -> Iterator[str]:
    """Of an empty database."""
    with database(address) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def used_again(address: str, template: str) -> Iterator[ClearedDatabase]:
    with contextlib.closing(ClearedDatabase(address, template)) as opened:
        yield opened


@pytest.fixture
def url(used_again: ClearedDatabase) -> str:
    """Of a database with our schema and nothing in it."""
    return used_again.cleared()


@pytest.fixture(autouse=True)
def connections_end(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command leaves its connections to the end of its process. Here commands share one, so a test ends them, before
    its database is cleared."""
    opened: list[Database] = []
    open_ = Database.open

    def remembered(location: str | Path) -> Database:
        opened.append(open_(location))
        return opened[-1]

    monkeypatch.setattr(Database, "open", remembered)
    yield
    for each in opened:
        each.close()


@pytest.fixture
def settings(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As everywhere, and for commands that read the environment, too."""
    monkeypatch.setenv(PREFIX + "DATABASE_URL", url)
    return Settings(home=tmp_path / "home", threads=1, provider="Test Installation", database_url=url)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()
