"""Nothing is taken from a backup that it does not list, and nothing leaves the folder it is extracted into."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.kit.errors import BackupUnusable, BadRequest, FileUnreadable
from service.recovery import archive

FILES = {"ledger.db": b"database", "home/keys/vault.key": b"k" * 32}


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    members = [{"name": n, "bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in files.items()]
    return {
        "format": "countermark-backup/1", "created_at": "2026-01-01T00:00:00+00:00", "product": "1",
        "database": "sqlite", "database_id": "0" * 32, "decisions": 0, "images": 0, "head": "0" * 64,
        "elsewhere": [], "members": members,
    }  # fmt: skip


def made(path: Path, entries: list[tuple[tarfile.TarInfo | str, bytes]]) -> Path:
    with tarfile.open(path, "w") as file:
        for entry, data in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def text(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_what_is_listed_is_extracted(tmp_path: Path, folder: Path) -> None:
    path = made(tmp_path / "b", [("manifest.json", text(manifest(FILES))), *FILES.items()])
    assert archive.extract(path, folder, None).database_id == "0" * 32
    found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert found == FILES
    assert {file.stat().st_mode & 0o077 for file in folder.rglob("*")} == {0}


def link(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


NAMES = [
    "../out.txt",
    "/etc/x",
    "home/keys/../../x",
    "home/other/x",
    "home/keys",
    "x",
    "home/keys/./x",
    "home/models/w",
]
WRONG: dict[str, Callable[[], list[tuple[tarfile.TarInfo | str, bytes]]]] = {
    "no manifest": lambda: [*FILES.items()],
    "manifest of something else": lambda: [("manifest.json", b"[1]"), *FILES.items()],
    "damaged manifest": lambda: [("manifest.json", b"{"), *FILES.items()],
    "another format": lambda: [("manifest.json", text(manifest(FILES) | {"format": "x"})), *FILES.items()],
    "another database": lambda: [("manifest.json", text(manifest(FILES) | {"database": "x"})), *FILES.items()],
    "no ledger": lambda: [("manifest.json", text(manifest({"home/keys/k": b""}))), ("home/keys/k", b"")],
    "missing": lambda: [("manifest.json", text(manifest(FILES))), ("ledger.db", FILES["ledger.db"])],
    "changed": lambda: [("manifest.json", text(manifest(FILES))), ("ledger.db", b"databasE"),
                        ("home/keys/vault.key", FILES["home/keys/vault.key"])],
    "unlisted": lambda: [("manifest.json", text(manifest(FILES))), *FILES.items(), ("home/keys/x", b"")],
    "twice": lambda: [("manifest.json", text(manifest(FILES))), *FILES.items(), *FILES.items()],
    "a link": lambda: [("manifest.json", text(manifest(FILES))), (link("ledger.db"), b"")],
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_member_of_a_backup_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    files = FILES | {name: b"x"}
    path = made(tmp_path / "b", [("manifest.json", text(manifest(files))), *files.items()])
    with pytest.raises(BackupUnusable):
        archive.extract(path, folder, None)
    assert {path.name for path in tmp_path.iterdir()} == {"b", "out"}


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_refused(tmp_path: Path, folder: Path, wrong: str) -> None:
    with pytest.raises(BackupUnusable):
        archive.extract(made(tmp_path / "b", WRONG[wrong]()), folder, None)
    assert {path.name for path in tmp_path.iterdir()} == {"b", "out"}


@pytest.mark.parametrize("size", [0, 100, 700, 1500])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, folder: Path, size: int) -> None:
    path = made(tmp_path / "b", [("manifest.json", text(manifest(FILES))), *FILES.items()])
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(BackupUnusable):
        archive.extract(path, folder, None)


def test_a_missing_file_and_a_missing_passphrase_are_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileUnreadable):
        archive.extract(tmp_path / "none", folder, None)
    (tmp_path / "b").write_bytes(b"countermark encrypted backup 1\n" + bytes(100))
    with pytest.raises(BadRequest, match="encrypted"):
        archive.extract(tmp_path / "b", folder, None)
