"""The migrations make the tables that the code names, and keep what an older database holds."""

import datetime as dt
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, Row, create_engine, inspect, text

from service.access.scopes import TENANT_SCOPES
from service.kit.errors import LedgerCorrupt, Misconfigured, Unavailable
from service.ledger.chain import image_digest
from service.ledger.ledger import Ledger
from service.ledger.merkle import TreeHead
from service.storage import (
    ApiKeyRow,
    BlocklistEntry,
    ChallengeRow,
    GrantRow,
    HeldRow,
    Issue,
    ProtectedTemplate,
    Repositories,
    SubjectRow,
    TakedownRow,
    TenantRow,
    UseRow,
)
from service.storage.engine import open_engine, writing
from service.storage.tables import REVISION, metadata
from tests.assets import old_ledger
from tests.assets.old_ledger import ANN, BOB, CASE, DUPLICATE, FORGOTTEN, GRANT, IMAGES, REVOKED, ROWS
from tests.support.processes import CONTEXT


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of an empty database."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def old(url: str) -> str:
    """A database of the version before the last migration."""
    old_ledger.build(url)
    return url


def moment(text_: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text_}+00:00")


def named(row: Row[Any]) -> tuple[object, ...]:
    """The values of a row with the names of their columns, in whatever order a table has them."""
    return tuple(sorted(row._asdict().items()))


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table with the names of its columns, and the revision."""
    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: sorted((named(row) for row in connection.execute(table.select())), key=repr)
            for name, table in tables.tables.items()
        }
    engine.dispose()
    return found


def test_tables_and_migrations_agree(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_upgraded_database_has_the_very_tables_of_a_new_one(old: str, tmp_path: Path) -> None:
    engine = open_engine(old)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
        keys = {
            (name, key["constrained_columns"][0], key["referred_table"])
            for name in inspect(connection).get_table_names()
            for key in inspect(connection).get_foreign_keys(name)
        }
    engine.dispose()
    assert keys == {
        ("templates", "subject", "subjects"),
        ("grants", "subject", "subjects"),
        ("uses", "grant", "grants"),
        ("uses", "content_id", "images"),
        ("manifests", "image", "images"),
        ("takedowns", "duplicate_of", "takedowns"),
        ("held", "tenant", "tenants"),
        ("jobs", "tenant", "tenants"),
        ("job_images", "job", "jobs"),
        ("job_images", "content_id", "images"),
        ("feedback", "examination", "examinations"),
        ("feedback", "tenant", "tenants"),
        ("api_keys", "tenant", "tenants"),
        ("api_keys", "lineage", "api_keys"),
        ("api_keys", "replaced_by", "api_keys"),
        ("key_usage", "lineage", "api_keys"),
        ("key_buckets", "lineage", "api_keys"),
        ("operator_sessions", "key", "api_keys"),
        ("webhooks", "tenant", "tenants"),
        ("deliveries", "webhook", "webhooks"),
    }


def test_the_chain_of_an_older_database_has_the_same_head(old: str) -> None:
    ledger = Ledger.open(old)
    audit = ledger.verify(old_ledger.HEAD)
    assert audit.head == old_ledger.HEAD
    assert (audit.decisions, audit.images, audit.problems) == (len(ROWS["decisions"]), len(IMAGES), ())
    (decision,) = ledger.decided("urn:uuid:4")
    assert (decision.kind, decision.content) == ("refused", {"code": "moderation_blocked"})
    assert decision.at == dt.datetime(2026, 5, 1, 12, 0, 6, 42000, dt.UTC)
    assert audit.root == old_ledger.ROOT
    ledger.refuse("urn:uuid:new", {})
    assert ledger.verify(old_ledger.HEAD, TreeHead(audit.decisions, bytes.fromhex(audit.root))).problems == ()
    ledger.close()


def mark_of(stored: Repositories, number: int) -> int | None:
    image = stored.images.by_number(number)
    return image.mark_id if image else None


def test_images_are_numbered_in_the_order_of_issue(old: str) -> None:
    ledger = Ledger.open(old)
    with ledger.read() as stored:
        found = stored.images.fingerprints()
        assert [(number, mark_of(stored, number)) for number in found.ids.tolist()] == [(1, 7), (2, 2), (3, 5)]
        assert [bytes(row) for row in stored.images.fingerprints(after=2).hashes] == [bytes([5]) * 32]
    image = ledger.by_mark(7)
    assert image == Issue(**{**IMAGES[0], "created_at": moment("2026-05-01T12:00:03")})  # type: ignore[arg-type]
    assert image is not None
    assert image_digest(image) == old_ledger.record(IMAGES[0])
    with ledger.decision("issued", "urn:uuid:next") as transaction:
        assert transaction.images.add(Issue(**{**IMAGES[0], "mark_id": 1, "content_id": "urn:uuid:next",
                                               "sha256": "0", "created_at": image.created_at})) == 4  # type: ignore[arg-type]  # fmt: skip
        transaction.record()
    ledger.close()


def test_every_row_of_an_older_database_is_read_with_its_types(old: str) -> None:
    ledger = Ledger.open(old)
    with ledger.read() as stored:
        assert stored.blocklist.revision() == 2
        assert list(stored.blocklist.entries("ncii"))[1] == BlocklistEntry(
            "ncii", "test", "pdq", f"{2:064x}", "why", moment("2026-05-02T08:00:00"), False
        )
        assert stored.blocklist.withdrawn_after("pdq", 1) == [2]
        assert (stored.blocklist.block(2).list, len(stored.blocklist.active_after("pdq", 1))) == ("ncii", 0)
        assert [row.case for row in stored.takedowns.by_due_time(only_open=False)].count(CASE) == 1
        assert stored.takedowns.get(CASE) == TakedownRow(
            CASE, bytes(16), bytes(32), moment("2026-05-03T00:00:00"), moment("2026-05-05T00:00:00"), "appealed",
            "urn:uuid:not-here", "urn:uuid:not-here", None, None, b"key 1", b"key 1", "removed",
            moment("2026-05-04T00:00:00"), "Olga",
        )  # fmt: skip
        duplicate, forgotten = stored.takedowns.get(DUPLICATE), stored.takedowns.get(FORGOTTEN)
        assert duplicate
        assert forgotten
        assert (duplicate.duplicate_of, duplicate.decided_at, forgotten.wrapped_key) == (CASE, None, None)
        (appeal,) = stored.appeals.by_filing_time(only_open=True)
        assert (appeal.about, appeal.filed_at) == ("takedown", moment("2026-05-04T01:00:00"))
        assert stored.subjects.all() == [
            SubjectRow(ANN, moment("2026-04-01T00:00:00"), moment("2027-04-01T00:00:00"), True, bytes(16), bytes(32),
                       b"key", b"key"),
            SubjectRow(BOB, moment("2026-04-01T00:00:00"), None, False, bytes(16), bytes(32), None, None,
                       moment("2026-04-30T00:00:00")),
        ]  # fmt: skip
        assert stored.templates.protected("c" * 64) == [
            ProtectedTemplate(number, ANN, bytes([number]), b"key") for number in (3, 4)
        ]
        (grant,), (revoked,) = stored.grants.of_subject(ANN), stored.grants.of_subject(BOB)
        assert grant == GrantRow(
            GRANT, ANN, "a poster", ("portrait", "edit", "commercial"), "acme", moment("2026-04-02T00:00:00"),
            moment("2027-04-02T00:00:00"), f"receipt of {GRANT}", str(ROWS["grants"][0]["receipt_digest"]),
        )  # fmt: skip
        assert (revoked.id, revoked.scopes, revoked.revoked_at) == (REVOKED, ("style",), moment("2026-04-30T00:00:00"))
        assert stored.uses.of_subject(ANN) == [
            UseRow(GRANT, str(IMAGES[2]["content_id"]), moment("2026-05-01T12:00:05"), moment("2026-05-06T00:00:00")),
            UseRow(GRANT, str(IMAGES[0]["content_id"]), moment("2026-05-01T12:00:05")),
        ]
        acme, gone = stored.tenants.all()
        assert acme == TenantRow("acme", moment("2026-01-01T00:00:00"), 0.25, None, 3)
        assert gone.removed_at == moment("2026-02-01T00:00:00")
        assert stored.api_keys.of_tenant("acme") == [
            ApiKeyRow("cm_acme", "acme", bytes(32), "cm_acme", "", TENANT_SCOPES, moment("2026-01-01T00:00:00"))
        ]
        (ended,) = stored.api_keys.of_tenant("gone")
        assert (ended.digest, ended.revoked_at) == (None, moment("2026-02-01T00:00:00"))
        released, waiting = stored.held.by_time()
        assert released == HeldRow(
            "urn:uuid:8", "acme", moment("2026-05-01T13:00:00"), moment("2026-05-08T13:00:00"), "released",
            (ANN, BOB), "f" * 64, b"key", moment("2026-05-01T14:00:00"), "Olga", b"key", b"box",
        )  # fmt: skip
        assert (waiting.tenant, waiting.subjects) == (None, (ANN,))
    with ledger.write() as stored:
        assert stored.challenges.take("L-1") == ChallengeRow(
            "L-1", ("front", "left", "front", "right"), moment("2026-05-01T12:05:00")
        )
    ledger.close()


def test_downgrading_gives_the_older_database_back(old: str) -> None:
    before = contents(old)
    open_engine(old).dispose()
    assert contents(old) != before
    engine = create_engine(old)
    old_ledger.migrate(engine, "0006", down=True)
    engine.dispose()
    assert contents(old) == before


@pytest.mark.parametrize(
    ("changes", "works"),
    [
        ({}, True),
        ({"revoked_at": "2026-03-01T00:00:00+00:00"}, False),
        ({"expires_at": "2027-03-01T00:00:00+00:00"}, False),
        ({"scopes": ["examine"]}, False),
        ({"scopes": ["generate", "examine"]}, True),
    ],
)
def test_downgrading_gives_no_key_more_than_it_had(old: str, changes: dict[str, object], works: bool) -> None:
    engine = open_engine(old)
    keys = metadata.tables["api_keys"]
    raw = {name: moment(str(value)[:19]) if name.endswith("_at") else value for name, value in changes.items()}
    with engine.begin() as connection:
        connection.execute(keys.update().where(keys.c.id == "cm_acme").values(**raw, images_per_day=3) if raw else
                           keys.update().values(images_per_day=3))  # fmt: skip
    engine.dispose()
    engine = create_engine(old)
    old_ledger.migrate(engine, "0017", down=True)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT prefix, digest FROM tenants WHERE name = 'acme'")).one()
    engine.dispose()
    assert tuple(found) == ("cm_acme", bytes(32) if works else None)


def verified(url: str) -> tuple[str, ...]:
    """What an audit finds after the upgrade."""
    ledger = Ledger.open(url)
    problems = ledger.verify(old_ledger.HEAD).problems
    ledger.close()
    return problems


def _open(url: str) -> None:
    open_engine(url).dispose()


def test_two_processes_upgrade_at_once(old: str) -> None:
    starters = [CONTEXT.Process(target=_open, args=(old,)) for _ in range(2)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
        assert starter.exitcode == 0
    ledger = Ledger.open(old)
    assert ledger.verify(old_ledger.HEAD).problems == ()
    ledger.close()


def interrupted(url: str, interrupt: Callable[[], object]) -> None:
    """Open a database, and interrupt the migration where nearly all of it is done, and nothing committed."""
    run, tables = Operations.batch_alter_table, []

    def batch(self: Operations, table: str, **more: object) -> object:
        tables.append(table)
        if tables.count("held") == 3:  # nullable, a list, and its foreign key, which is the last of all
            interrupt()
        return run(self, table, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operations, "batch_alter_table", batch)
        open_engine(url).dispose()


def _die(url: str) -> None:
    interrupted(url, lambda: os.kill(os.getpid(), signal.SIGKILL))


def _raise() -> None:
    raise ZeroDivisionError


def test_a_migration_that_fails_leaves_the_older_database(old: str) -> None:
    before = contents(old)
    with pytest.raises(ZeroDivisionError):
        interrupted(old, _raise)
    assert contents(old) == before
    assert verified(old) == ()


def test_a_process_killed_in_a_migration_leaves_the_older_database(old: str) -> None:
    before = contents(old)
    process = CONTEXT.Process(target=_die, args=(old,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert contents(old) == before
    assert verified(old) == ()


def test_a_database_with_a_row_without_its_parent_is_not_upgraded(old: str) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM images WHERE content_id = '{IMAGES[0]['content_id']}'"))
    engine.dispose()
    before = contents(old)
    with pytest.raises(LedgerCorrupt, match="1 rows of the table uses refer to rows of images that are missing"):
        open_engine(old)
    assert contents(old) == before


def test_an_image_slipped_into_an_older_database_still_shows(old: str) -> None:
    engine = create_engine(old)
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        connection.execute(tables.tables["images"].insert(), [dict(old_ledger.image(9, 1))])
    engine.dispose()
    ledger = Ledger.open(old)
    (problem,) = ledger.verify().problems
    assert "has no decision" in problem
    with ledger.read() as stored:
        assert [mark_of(stored, number) for number in stored.images.fingerprints().ids.tolist()] == [7, 2, 5, 9]
    ledger.close()


def test_rows_that_contradict_others_are_refused(old: str) -> None:
    ledger = Ledger.open(old)
    with pytest.raises(Unavailable, match="cannot be written"), ledger.write() as stored:
        stored.uses.add(UseRow("G-NONE", str(IMAGES[1]["content_id"]), moment("2026-05-01T12:00:05")))
    ledger.close()


def test_what_fails_within_a_transaction_leaves_nothing(old: str) -> None:
    engine = open_engine(old)

    def half_way() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("UPDATE blocklist_revision SET revision=9")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT revision FROM blocklist_revision").all() == [(2,)]
    engine.dispose()


def test_foreign_keys_are_enforced_after_an_upgrade(old: str) -> None:
    engine = open_engine(old)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_database_of_a_newer_version_is_told_and_left_alone(old: str) -> None:
    path = old.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="9999"):
        open_engine(old)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
