"""The migrations make the tables that the code names, and keep what an older database holds."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from service.kit.errors import Misconfigured
from service.ledger.ledger import Issue, Ledger
from service.storage import open_engine
from service.storage.engine import _MIGRATIONS, writing
from service.storage.tables import REVISION, metadata


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A database at revision 0001 with one issued image and one refusal."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    ledger = Ledger(engine)
    image = Issue(1, "urn:uuid:1", "2026", "image/png", 8, 8, "0" * 64, bytes(32), 90, b"m", "m@1", "d", 1, "p")
    ledger.issue(image, {})
    ledger.refuse("urn:uuid:2", {"code": "moderation_blocked"})
    engine.dispose()
    return url


def test_tables_and_migrations_agree(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_an_older_database_keeps_its_rows(old: str) -> None:
    with create_engine(old).connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
    ledger = Ledger.open(old)
    audit = ledger.verify()
    assert (audit.decisions, audit.images, audit.problems) == (2, 1, ())
    assert [d.kind for d in ledger.decided("urn:uuid:2")] == ["refused"]
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT revision FROM blocklist_revision").all() == [(0,)]


def _open(url: str) -> None:
    open_engine(url).dispose()


def test_two_processes_upgrade_at_once(old: str) -> None:
    context = multiprocessing.get_context("spawn")
    starters = [context.Process(target=_open, args=(old,)) for _ in range(2)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
        assert starter.exitcode == 0
    assert Ledger.open(old).verify().decisions == 2


def test_what_fails_within_a_transaction_leaves_nothing(old: str) -> None:
    engine = open_engine(old)

    def half_way() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("UPDATE blocklist_revision SET revision=9")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    with sqlite3.connect(old.removeprefix("sqlite:///")) as database:
        assert database.execute("SELECT revision FROM blocklist_revision").fetchone() == (0,)


def test_a_database_of_a_newer_version_is_told_and_left_alone(old: str) -> None:
    path = old.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="9999"):
        open_engine(old)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
