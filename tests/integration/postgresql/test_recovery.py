"""Identity, backup and restoration of a ledger on PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, LedgerMismatch, Unavailable
from service.kit.settings import Settings
from service.ledger.home_ledger import adopt
from service.recovery.backup import back_up
from service.recovery.restore import restore
from service.storage import Database
from service.storage import snapshot as module
from tests.support.issued import fill, issue
from tests.support.postgres import database


@pytest.fixture
def used(settings: Settings) -> Iterator[Installation]:
    opened = open_installation(settings)
    fill(opened.ledger)
    yield opened
    opened.close()


@pytest.fixture
def other(address: str, template: str) -> Iterator[str]:
    """The URL of another database, with our schema and the id of the one of `url`, which has the same template."""
    with database(address, template) as fresh:
        yield fresh


def by_sql(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE ledger_identity SET database_id = 'other'", "another one"),
        ("DELETE FROM ledger_identity", "another one"),
        ("TRUNCATE images, decisions CASCADE", "missing"),
        ("DELETE FROM decisions WHERE seq = 4", "missing"),
    ],
)
def test_a_ledger_that_changed_under_a_server_closes_it(
    used: Installation, url: str, statement: str, words: str
) -> None:
    by_sql(url, statement)
    with pytest.raises(Unavailable, match=words):
        used.ledger.issue(issue(9), {})
    with pytest.raises(Unavailable, match=words):
        used.ledger.ready()


def test_another_database_behind_the_same_address_closes_it(used: Installation, url: str, other: str) -> None:
    ours, theirs = make_url(url).database, make_url(other).database
    admin = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {theirs} RENAME TO spare")
        used.ledger._database.engine.dispose()
        connection.exec_driver_sql(f"ALTER DATABASE {ours} RENAME TO {theirs}")
        connection.exec_driver_sql(f"ALTER DATABASE spare RENAME TO {ours}")
    admin.dispose()
    with pytest.raises(Unavailable, match="another one"):
        used.ledger.refuse("urn:uuid:9", {})


def test_an_empty_database_beside_keys_is_refused_until_it_is_adopted(used: Installation, other: str) -> None:
    used.close()
    moved = used.settings.model_copy(update={"database_url": other})
    with pytest.raises(LedgerMismatch, match="lost decisions"):  # it is a copy of the same template
        open_installation(moved)
    by_sql(other, "UPDATE ledger_identity SET database_id = 'other'")
    with pytest.raises(LedgerMismatch, match="another database"):
        open_installation(moved)
    adopt(moved, new=True)
    open_installation(moved).close()


def test_a_backup_there_and_back(used: Installation, other: str, tmp_path: Path) -> None:
    head = used.ledger.verify().head
    made = back_up(used, tmp_path / "backup")
    assert (made.database, made.decisions, made.images, made.head) == ("postgresql", 4, 3, head)
    used.ledger.issue(issue(9), {})
    moved = used.settings.model_copy(update={"home": tmp_path / "elsewhere", "database_url": other})
    restore(moved, tmp_path / "backup")
    again = open_installation(moved)
    assert again.ledger.verify(head).problems == ()
    assert (again.ledger.by_mark(2), again.ledger.by_mark(9)) == (issue(2), None)
    again.ledger.issue(issue(10), {})
    again.close()
    with pytest.raises(BadRequest, match="holds an installation"):
        restore(moved, tmp_path / "backup")
    restore(moved, tmp_path / "backup", replace=True)
    again = open_installation(moved)
    assert (again.ledger.by_mark(10), again.ledger.verify(head).problems) == (None, ())
    again.close()


def test_a_dump_that_cannot_be_read_replaces_nothing(used: Installation, tmp_path: Path, url: str) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP and nothing else")
    with pytest.raises(Unavailable, match="pg_restore failed"):
        module.check_dump(tmp_path / "dump")
    with pytest.raises(Unavailable, match="pg_restore failed"):
        module.restore_dump(tmp_path / "dump", url)
    assert used.ledger.ready() == 4


def test_missing_programs_are_named(used: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="pg_dump is not on the PATH"):
        back_up(used, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_role_without_rights_on_the_server_can_keep_a_ledger(address: str, empty_url: str) -> None:
    by_sql(empty_url, "CREATE ROLE plain LOGIN")
    try:
        by_sql(empty_url, "GRANT ALL ON SCHEMA public TO plain")
        plain = make_url(empty_url).set(username="plain")
        opened = Database.open(plain.render_as_string(hide_password=False))
        opened.check()
        opened.close()
        by_sql(empty_url, "DROP OWNED BY plain")
    finally:
        by_sql(empty_url, "DROP ROLE plain")
