"""A new vault key: everything stays readable at every step, and the old key goes only when nothing needs it."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, update

from service.installation import Installation, open_installation
from service.keys import signing
from service.keys.vault_keys import VAULT_FILE, VaultKeys
from service.kit.clock import utc_now
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.kit.settings import Settings
from service.ledger.ledger import Ledger
from service.likeness.registry import Consent
from service.recovery import backup, vault_rotation
from service.recovery.backup import back_up
from service.recovery.restore import restore
from service.recovery.vault_rotation import GRACE, Rotation, retire, rotate
from service.storage import PLACES
from service.storage.tables import metadata
from service.storage.tables import subjects as table
from tests.support.database import engine_of
from tests.support.people import ANN, MODEL, likeness
from tests.support.sealed import SealedRecords, seal_everything


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Of an installation that keeps held images."""
    return settings.model_copy(update={"held_retention_days": 7})


@pytest.fixture
def records(installation: Installation, tmp_path: Path) -> SealedRecords:
    return seal_everything(installation, tmp_path)


def key_file(installation: Installation) -> bytes:
    return (installation.settings.home / VAULT_FILE).read_bytes()


def later(monkeypatch: pytest.MonkeyPatch, time: dt.timedelta = GRACE) -> None:
    monkeypatch.setattr(vault_rotation, "utc_now", lambda: utc_now() + time)


def test_a_running_service_and_a_new_one_read_everything_throughout(
    installation: Installation, records: SealedRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = key_file(installation)
    done = rotate(installation)
    assert (done.rewrapped, done.unreadable) == (SealedRecords.COUNT, 0)
    assert key_file(installation)[32:] == old
    records.check(installation)
    later(monkeypatch)
    assert retire(installation) == Rotation(done.key, done.old_key, 0, 0)
    assert key_file(installation) not in (old, b"")
    assert len(key_file(installation)) == 32
    assert (installation.settings.home / VAULT_FILE).stat().st_mode & 0o777 == 0o600
    records.check(installation)
    fresh = open_installation(installation.settings)
    records.check(fresh)
    fresh.close()
    told = [(each.kind, each.content) for each in installation.ledger.decided(done.key)]
    assert told == [
        ("key", {"about": "vault", "action": "rotated", "old": done.old_key, "rewrapped": 6, "unreadable": 0}),
        ("key", {"about": "vault", "action": "retired", "old": done.old_key, "rewrapped": 0, "unreadable": 0}),
    ]
    assert installation.ledger.verify().problems == ()


def test_nothing_opens_with_the_old_key_afterwards(installation: Installation, records: SealedRecords) -> None:
    old = key_file(installation)
    rotate(installation)
    retire(installation, stopped=True)
    (installation.settings.home / VAULT_FILE).write_bytes(old)
    stale = Consent(installation.ledger, signing.vault(installation.settings), installation.consent.grants.signer)
    for read in (lambda: stale.subjects.name(records.subject), lambda: stale.faces.protected(MODEL)):
        with pytest.raises(Misconfigured, match="cannot be decrypted"):
            read()


def test_every_wrapped_key_of_the_tables_is_known() -> None:
    keys = [
        (each.name, column.name)
        for each in metadata.tables.values()
        for column in each.columns
        if isinstance(column.type, LargeBinary) and column.name.endswith("_key")
    ]
    assert len(keys) == len(PLACES)


def test_the_old_key_stays_while_a_service_may_still_store_under_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadRequest, match="no old vault key"):
        retire(installation)
    sealed_before = installation.consent.subjects.prepare("Late", [likeness(ANN)], MODEL, protected=False, until=None)
    rotate(installation)
    later(monkeypatch, GRACE - dt.timedelta(seconds=5))
    with pytest.raises(BadRequest, match="may still store"):
        retire(installation)
    with installation.ledger.write() as stored:
        sealed_before.store(stored)
    later(monkeypatch)
    assert retire(installation).rewrapped == 1
    fresh = open_installation(installation.settings)
    (late,) = fresh.consent.subjects.everybody()
    assert fresh.consent.subjects.name(late.id) == "Late"
    fresh.close()


def test_an_interrupted_rotation_goes_on_with_the_same_key(
    installation: Installation, records: SealedRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "decision", broken)
        with pytest.raises(Unavailable):
            rotate(installation)
    both = key_file(installation)
    assert len(both) == 64
    records.check(installation)
    with pytest.raises(BadRequest, match="interrupted"):
        retire(installation, stopped=True)
    assert rotate(installation).rewrapped == SealedRecords.COUNT
    assert key_file(installation) == both
    assert rotate(installation).rewrapped == 0
    assert key_file(installation) == both


def broken(*_: object) -> None:
    raise Unavailable("the ledger cannot be written")


def test_a_damaged_record_is_counted_and_stops_nothing(installation: Installation, records: SealedRecords) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.execute(update(table).values(wrapped_key=b"damaged by the disk"))
    done = rotate(installation)
    assert (done.rewrapped, done.unreadable) == (SealedRecords.COUNT - 1, 1)
    assert retire(installation, stopped=True).unreadable == 1
    assert installation.takedowns.show(records.case)[1]["signature"] == "Jane Roe"


def test_a_key_file_that_cannot_be_used_changes_nothing(installation: Installation, records: SealedRecords) -> None:
    good = key_file(installation)
    (installation.settings.home / VAULT_FILE).write_bytes(b"short")
    with pytest.raises(Misconfigured, match="5 bytes"):
        rotate(installation)
    (installation.settings.home / VAULT_FILE).write_bytes(good)
    records.check(installation)


def test_an_adapter_that_is_being_removed_does_not_come_back(
    installation: Installation, records: SealedRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = installation.settings.home / "adapters" / "style.json"
    before = card.read_bytes()
    installation.ledger.record(
        "adapter", "style", {"action": "removed"}
    )  # as `remove` does, before it deletes the card
    assert rotate(installation).rewrapped == SealedRecords.COUNT - 1
    assert card.read_bytes() == before


def test_a_backup_from_before_restores_with_its_own_key(
    installation: Installation, records: SealedRecords, tmp_path: Path
) -> None:
    back_up(installation, tmp_path / "backup")
    rotate(installation)
    retire(installation, stopped=True)
    elsewhere = installation.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    restore(elsewhere, tmp_path / "backup")
    again = open_installation(elsewhere)
    records.check(again)
    assert rotate(again).rewrapped == SealedRecords.COUNT
    records.check(again)
    again.close()


def test_a_backup_does_not_outlive_the_key_that_it_needs(
    installation: Installation, records: SealedRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = backup._copy_tree

    def slow(source: Path, target: Path) -> None:
        if source.name == "keys":
            rotate(installation)
            retire(installation, stopped=True)
        copied(source, target)

    monkeypatch.setattr(backup, "_copy_tree", slow)
    with pytest.raises(Unavailable, match="deleted meanwhile"):
        back_up(installation, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_the_lock_is_the_vaults_own(installation: Installation) -> None:
    with VaultKeys(installation.settings.home).changing():
        assert installation.takedowns.list(all_=True)
        assert (installation.settings.home / "keys" / "vault.lock").stat().st_mode & 0o777 == 0o600
