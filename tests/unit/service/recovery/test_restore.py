"""A backup is verified before anything is replaced, and what it replaces is kept."""

import shutil
from pathlib import Path

import pytest

from service.installation import Installation, open_installation
from service.kit.errors import BackupUnusable, BadRequest, LedgerMismatch, Misconfigured
from service.kit.settings import Settings
from service.recovery.restore import restore
from tests.support.issued import issue
from tests.unit.service.storage.test_watch import by_sql


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a home folder that does not exist."""
    return settings.model_copy(update={"home": tmp_path / "elsewhere"})


def test_everything_is_there_again(used: Installation, saved: Path, elsewhere: Settings) -> None:
    done = restore(elsewhere, saved)
    assert done.kept is None
    again = open_installation(elsewhere)
    assert again.ledger.verify(used.ledger.verify().head).problems == ()
    assert again.ledger.by_mark(2) == issue(2)
    (decision,) = again.ledger.decided(again.ledger.identity().database_id)
    assert (decision.content["action"], decision.content["decisions"]) == ("restored", 4)
    assert (done.decisions, done.head) == (5, decision.hash)
    for name in ("keys/vault.key", "keys/mark.secret", "keys/development-pki.pem", "held/sealed"):
        assert (elsewhere.home / name).read_bytes() == (used.settings.home / name).read_bytes()
    assert {path.stat().st_mode & 0o077 for path in elsewhere.home.rglob("*")} == {0}
    assert not list(elsewhere.home.glob(".restore-*"))
    again.close()


def test_an_installation_is_replaced_only_on_demand(used: Installation, saved: Path) -> None:
    used.ledger.issue(issue(9), {})
    with pytest.raises(BadRequest, match="holds an installation"):
        restore(used.settings, saved)
    assert used.ledger.ready() == 5
    used.close()
    done = restore(used.settings, saved, replace=True)
    assert done.kept is not None
    assert {"ledger.db", "keys", "held"} <= {path.name for path in done.kept.iterdir()}
    assert done.kept.stat().st_mode & 0o777 == 0o700
    again = open_installation(used.settings)
    assert again.ledger.by_mark(9) is None
    again.close()


def test_a_server_that_still_runs_is_closed_by_it(used: Installation, saved: Path) -> None:
    restore(used.settings, saved, replace=True)
    with pytest.raises(Exception, match="replaced while it was open"):
        used.ledger.refuse("urn:uuid:9", {})


def test_a_damaged_backup_changes_nothing(used: Installation, saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    saved.write_bytes(data)
    before = sorted(path.relative_to(used.settings.home) for path in used.settings.home.rglob("*"))
    with pytest.raises(BackupUnusable):
        restore(used.settings, saved, replace=True)
    assert sorted(path.relative_to(used.settings.home) for path in used.settings.home.rglob("*")) == before
    assert used.ledger.ready() == 4


def test_a_backup_of_the_other_database_is_named(saved: Path, elsewhere: Settings) -> None:
    wrong = elsewhere.model_copy(update={"database_url": "postgresql+pg8000://nobody@localhost:1/none"})
    with pytest.raises(Exception, match="cannot be opened"):
        restore(wrong, saved)
    assert not (elsewhere.home / "keys").exists()


def test_a_restoration_that_is_broken_off_does_not_start(
    saved: Path, elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "move", lambda *_paths: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restore(elsewhere, saved)
    with pytest.raises(LedgerMismatch, match="there is no ledger"):
        open_installation(elsewhere)
    restore(elsewhere, saved, replace=True)
    open_installation(elsewhere).close()


def test_a_database_beside_the_home_is_restored_where_the_settings_name_it(
    saved: Path, elsewhere: Settings, tmp_path: Path
) -> None:
    moved = elsewhere.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'other.db'}"})
    restore(moved, saved)
    assert (tmp_path / "other.db").stat().st_mode & 0o777 == 0o600
    assert not (elsewhere.home / "ledger.db").exists()
    again = open_installation(moved)
    assert again.ledger.ready() == 5
    again.close()
    shutil.rmtree(elsewhere.home)


def test_a_home_that_cannot_be_written_is_named(
    saved: Path, elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "move", refuse)
    with pytest.raises(Misconfigured, match="No space left"):
        restore(elsewhere, saved)


@pytest.mark.parametrize("damage", ["DROP TABLE ledger_identity", "UPDATE decisions SET kind = 'consent', body = '{'"])
def test_a_broken_ledger_can_be_replaced(used: Installation, saved: Path, damage: str) -> None:
    used.close()
    by_sql(damage)(used.settings.home / "ledger.db")
    done = restore(used.settings, saved, replace=True)
    assert done.applied == ()
    again = open_installation(used.settings)
    assert again.ledger.verify().problems == ()
    again.close()
