"""The condition of a database is told without changing it, whatever its revision is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.kit.errors import Misconfigured, NotFound, Unavailable
from service.storage import Database, condition_of, revision_at
from service.storage.tables import REVISION, metadata
from tests.assets import old_ledger


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a database with our schema."""
    found = f"sqlite:///{tmp_path / 'ledger.db'}"
    Database.open(found).close()
    return found


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """Of a database without a schema."""
    (tmp_path / "empty.db").touch()
    return f"sqlite:///{tmp_path / 'empty.db'}"


def change(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_database_of_this_version_is_well(url: str) -> None:
    found = condition_of(url)
    assert (found.state, found.revision, found.newest, found.problems) == ("current", REVISION, REVISION, ())
    assert {table.name for table in found.tables} == set(metadata.tables)
    assert found.bytes > 0
    assert revision_at(url) == REVISION


def test_an_older_database_is_told_and_left_alone(empty: str) -> None:
    old_ledger.build(empty)
    assert condition_of(empty).state == "older"
    found = condition_of(empty)
    assert (found.revision, found.problems) == ("0006", ())


def test_a_newer_database_is_told(url: str) -> None:
    change(url, "UPDATE alembic_version SET version_num = '9999'")
    assert (condition_of(url).state, revision_at(url)) == ("newer", "9999")


def test_an_empty_database_is_told(empty: str) -> None:
    found = condition_of(empty)
    assert (found.state, found.revision, found.tables) == ("empty", None, ())


def test_an_address_that_means_nothing_is_refused() -> None:
    with pytest.raises(Misconfigured, match="COUNTERMARK_DATABASE_URL"):
        condition_of("nosuchdatabase://x/y")


def test_no_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no database"):
        condition_of(tmp_path / "ledger.db")
    assert not (tmp_path / "ledger.db").exists()


def test_damage_is_found(url: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_decisions_kind'").fetchone()
        (page,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * page)
        file.write(b"\xff" * page)
    assert condition_of(url).problems


def test_a_row_without_the_row_that_it_refers_to_is_found(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute("INSERT INTO manifests (image, id) VALUES (7, 'urn:c2pa:7')")
    assert condition_of(url).problems == ("a row of manifests refers to a row of images that is missing",)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 400)
    with pytest.raises(Unavailable):
        condition_of(tmp_path / "ledger.db")
