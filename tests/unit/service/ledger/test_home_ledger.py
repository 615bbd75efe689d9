"""A home folder opens the ledger that its keys belong to, and no other."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from service.installation import open_installation
from service.kit.errors import LedgerMismatch
from service.kit.settings import Settings
from service.ledger.home_ledger import adopt, read_note
from service.ledger.ledger import Ledger
from tests.assets import old_ledger
from tests.support import disk
from tests.support.issued import fill


@pytest.fixture
def used(settings: Settings, home_template: Path) -> Settings:
    """Settings of a home whose ledger has decisions, and that nobody has open."""
    disk.copy_home(home_template, settings)
    installation = open_installation(settings)
    fill(installation.ledger)
    installation.close()
    return settings


def file_of(settings: Settings) -> Path:
    return settings.home / "ledger.db"


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def forget_everything(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript("DELETE FROM uses; DELETE FROM images; DELETE FROM decisions")


def cut_the_tail(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM decisions WHERE seq = 4")


def replace_by_a_new_one(path: Path) -> None:
    path.unlink()
    Ledger.open(path).close()


LOSSES: dict[str, tuple[Callable[[Path], None], str]] = {
    "removed": (remove, "there is no ledger"),
    "emptied file": (empty, "there is no ledger"),
    "emptied tables": (forget_everything, "lost decisions"),
    "cut": (cut_the_tail, "lost decisions"),
    "another": (replace_by_a_new_one, "another database"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_another_ledger_beside_the_keys_is_refused(used: Settings, loss: str) -> None:
    lose, words = LOSSES[loss]
    lose(file_of(used))
    before = file_of(used).exists()
    with pytest.raises(LedgerMismatch, match=words) as refused:
        open_installation(used)
    assert "countermark restore" in refused.value.hint
    assert file_of(used).exists() == before, "no ledger is made where one was lost"


def test_a_new_ledger_beside_keys_without_a_note_is_refused(used: Settings) -> None:
    (used.home / "keys" / "ledger.json").unlink()
    with pytest.raises(LedgerMismatch, match="a new one"):
        open_installation(used)
    file_of(used).unlink()
    with pytest.raises(LedgerMismatch, match="there is no ledger"):
        open_installation(used)


def test_a_home_of_the_version_before_is_adopted_once(used: Settings) -> None:
    (used.home / "keys" / "ledger.json").unlink()
    file_of(used).unlink()
    old_ledger.build(f"sqlite:///{file_of(used)}")
    file_of(used).chmod(0o644)
    opened = open_installation(used)
    assert opened.ledger.verify(old_ledger.HEAD).problems == ()
    opened.close()
    note = read_note(used.home)
    assert note is not None
    assert note.head == old_ledger.HEAD
    assert file_of(used).stat().st_mode & 0o777 == 0o600
    replace_by_a_new_one(file_of(used))
    with pytest.raises(LedgerMismatch, match="another database"):
        open_installation(used)


def test_the_note_follows_the_chain(used: Settings) -> None:
    before = read_note(used.home)
    assert before is not None
    assert before.decisions == 4
    opened = open_installation(used)
    opened.ledger.refuse("urn:uuid:5", {})
    opened.close()
    after = read_note(used.home)
    assert after is not None
    assert (after.decisions, after.head) == (5, opened.ledger.verify().head)
    assert (used.home / "keys" / "ledger.json").stat().st_mode & 0o777 == 0o600


def test_an_older_copy_is_refused_until_it_is_adopted(used: Settings) -> None:
    shutil.copy(file_of(used), used.home / "copy")
    opened = open_installation(used)
    opened.ledger.refuse("urn:uuid:5", {})
    opened.close()
    (used.home / "copy").replace(file_of(used))
    with pytest.raises(LedgerMismatch, match="decision 5, which it had"):
        open_installation(used)
    decision = adopt(used, operator="Olga")
    assert (decision.kind, decision.seq) == ("ledger", 5)
    assert decision.content["operator"] == "Olga"
    assert decision.content["instead_of"]["decisions"] == 5
    opened = open_installation(used)
    assert opened.ledger.verify().problems == ()
    opened.close()


def test_starting_over_must_be_said(used: Settings) -> None:
    file_of(used).unlink()
    with pytest.raises(LedgerMismatch, match="there is no ledger"):
        adopt(used)
    Ledger.open(file_of(used)).close()
    with pytest.raises(LedgerMismatch, match="empty"):
        adopt(used)
    assert adopt(used, new=True).seq == 1
    opened = open_installation(used)
    assert [decision.kind for decision in opened.ledger.decided(opened.ledger.identity().database_id)] == ["ledger"]
    opened.close()


def test_a_damaged_note_is_named_and_can_be_replaced(used: Settings) -> None:
    (used.home / "keys" / "ledger.json").write_bytes(b"{}")
    with pytest.raises(LedgerMismatch, match="damaged"):
        open_installation(used)
    adopt(used)
    open_installation(used).close()


def test_files_are_private_whatever_the_umask_is(settings: Settings) -> None:
    before = os.umask(0)
    try:
        opened = open_installation(settings)
        opened.ledger.refuse("urn:uuid:1", {})
        modes = {path.stat().st_mode & 0o077 for path in settings.home.rglob("*")}
        assert (settings.home / "ledger.db-wal").exists()
        opened.close()
    finally:
        os.umask(before)
    assert modes == {0}


def test_a_home_that_is_gone_does_not_come_back(settings: Settings) -> None:
    opened = open_installation(settings)
    shutil.rmtree(settings.home)
    opened.close()
    assert not settings.home.exists()
