"""A backup holds the ledger and the keys as of one moment, and appears only once it was read again."""

import tarfile
import threading
from pathlib import Path

import pytest

from service.installation import Installation
from service.kit.errors import BackupUnusable, BadRequest, LedgerCorrupt
from service.recovery import archive, backup
from service.recovery.backup import back_up, kind_of, summary
from tests.unit.service.ledger.test_home_ledger import cut_the_tail, replace_by_a_new_one


def test_it_holds_what_an_installation_needs(used: Installation, tmp_path: Path) -> None:
    (used.settings.home / "models").mkdir()
    (used.settings.home / "models" / "weights.onnx").write_bytes(b"large")
    made = back_up(used, tmp_path / "backup")
    assert (made.decisions, made.images, made.head) == (4, 3, used.ledger.verify().head)
    with tarfile.open(tmp_path / "backup") as file:
        names = set(file.getnames())
    assert {"manifest.json", "ledger.db", "home/keys/vault.key", "home/keys/receipts.key", "home/keys/mark.secret",
            "home/keys/development-pki.pem", "home/keys/ledger.json", "home/held/sealed"} <= names  # fmt: skip
    assert not any("models" in name for name in names)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "home"]
    assert summary(made)["files"] == len(names) - 1


def test_it_is_of_one_moment_while_others_write(used: Installation, tmp_path: Path) -> None:
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            used.ledger.refuse("urn:uuid:more", {"filler": "x" * 5000})
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(60)
    made = back_up(used, tmp_path / "backup")
    stop.set()
    writer.join()
    (tmp_path / "out").mkdir()
    assert archive.extract(tmp_path / "backup", tmp_path / "out", None) == made
    backup.verify(made, tmp_path / "out")
    assert 4 < made.decisions < used.ledger.ready()


def test_a_file_is_not_written_over_unless_told(used: Installation, tmp_path: Path) -> None:
    (tmp_path / "backup").write_bytes(b"mine")
    with pytest.raises(BadRequest, match="exists"):
        back_up(used, tmp_path / "backup")
    assert (tmp_path / "backup").read_bytes() == b"mine"
    back_up(used, tmp_path / "backup", force=True)
    assert tarfile.is_tarfile(tmp_path / "backup")


def test_a_folder_that_is_not_there_is_named(used: Installation, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No such file"):
        back_up(used, tmp_path / "none" / "backup")


def test_a_broken_chain_is_not_saved_as_a_backup(used: Installation, tmp_path: Path) -> None:
    with used.ledger._database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET body = '{}' WHERE seq = 2")
    with pytest.raises(LedgerCorrupt, match="decision 2"):
        back_up(used, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_what_was_damaged_on_the_way_to_the_disk_is_noticed(
    used: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive.write

    def damaging(target: object, folder: Path, *rest: object) -> None:
        whole(target, folder, *rest)  # type: ignore[arg-type]
        target.seek(100_000)  # type: ignore[attr-defined]
        target.write(b"damage")  # type: ignore[attr-defined]

    monkeypatch.setattr(archive, "write", damaging)
    with pytest.raises(BackupUnusable):
        back_up(used, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_ledger_other_than_the_manifest_says_is_refused(used: Installation, tmp_path: Path) -> None:
    made = back_up(used, tmp_path / "backup")
    (tmp_path / "out").mkdir()
    archive.extract(tmp_path / "backup", tmp_path / "out", None)
    cut_the_tail(tmp_path / "out" / "ledger.db")
    with pytest.raises(LedgerCorrupt, match="cut off"):
        backup.verify(made, tmp_path / "out")
    replace_by_a_new_one(tmp_path / "out" / "ledger.db")
    with pytest.raises(BackupUnusable, match="not the one"):
        backup.verify(made, tmp_path / "out")
    (tmp_path / "out" / "ledger.db").write_bytes(b"x" * 5000)
    with pytest.raises(LedgerCorrupt, match="cannot be read"):
        backup.verify(made, tmp_path / "out")


def test_settings_whose_files_are_elsewhere_are_listed(used: Installation, tmp_path: Path) -> None:
    object.__setattr__(used, "settings", used.settings.model_copy(update={"thresholds_file": tmp_path / "t.json"}))
    assert back_up(used, tmp_path / "backup").elsewhere == ("COUNTERMARK_THRESHOLDS_FILE",)


def test_the_database_of_the_settings(used: Installation) -> None:
    assert kind_of(used.settings) == "sqlite"
    url = "postgresql+pg8000://user@host/database"
    assert kind_of(used.settings.model_copy(update={"database_url": url})) == "postgresql"
