import os
from pathlib import Path

import pytest

from service.archives import local_files
from service.archives.local_files import LocalFiles
from service.kit.errors import FileUnreadable


def listed(files: LocalFiles) -> dict[str, int | str | None]:
    """Sizes by path; of what cannot be read the code."""
    return {entry.path: entry.fault.code if entry.fault else entry.size for entry in files.walk()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a/deep/er.jpg", "a/z.txt", "c"):
        path = tmp_path / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "archive"


def test_every_file_is_listed_in_the_order_of_names(folder: Path) -> None:
    found = listed(LocalFiles(str(folder)))
    assert list(found) == ["a/deep/er.jpg", "a/z.txt", "b.png", "c"]
    assert found["a/deep/er.jpg"] == len("a/deep/er.jpg")


def test_a_large_folder_is_listed_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = listed(LocalFiles(str(folder)))
    monkeypatch.setattr(local_files, "_SORTED", 1)
    assert listed(LocalFiles(str(folder))) == whole


def test_what_is_no_file_is_a_fault_and_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "round").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "linked.png").symlink_to(folder / "b.png")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"\xff.png")).write_bytes(b"1234")
    found = listed(LocalFiles(str(folder)))
    assert found["round"] == found["pipe"] == "unsupported_format"
    assert found["nowhere"] == "file_unreadable"
    assert found["linked.png"] == 5
    assert found["\udcff.png"] == 4


def test_what_the_run_writes_is_left_out(folder: Path) -> None:
    parts = folder / "r.parquet.parts"
    parts.mkdir()
    (parts / "listing.jsonl").touch()
    (folder / "a" / "r.parquet").touch()  # of the same name elsewhere
    (folder / "r.parquet").touch()
    found = listed(LocalFiles(str(folder), leave_out=[parts, folder / "r.parquet"]))
    assert [name for name in found if "parquet" in name] == ["a/r.parquet"]


def test_a_folder_that_goes_while_it_is_listed_is_a_fault(folder: Path) -> None:
    walk = LocalFiles(str(folder)).walk()
    (folder / "a" / "deep" / "er.jpg").unlink()
    (folder / "a" / "deep").rmdir()
    first = next(walk)
    assert first.path == "a/z.txt"
    (folder / "a" / "z.txt").unlink()
    (folder / "a").rmdir()
    assert [entry.path for entry in walk] == ["b.png", "c"]


def test_a_folder_that_cannot_be_opened_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def denied(path: str) -> object:
        if path.endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    found = listed(LocalFiles(str(folder)))
    assert found["a/deep"] == "file_unreadable"
    assert list(found) == ["a/deep", "a/z.txt", "b.png", "c"]


def test_files_are_read_from_any_place(folder: Path) -> None:
    files = LocalFiles(str(folder))
    assert files.is_folder()
    assert files.read("b.png", 0, 100) == b"b.png"
    assert files.read("b.png", 2, 2) == b"pn"
    with pytest.raises(FileUnreadable):
        files.read("gone", 0, 1)
    one = LocalFiles(str(folder / "c"))
    assert not one.is_folder()
    assert one.read("", 0, 9) == b"c"
    with one.open() as file:
        assert file.read() == b"c"
    with pytest.raises(FileUnreadable), LocalFiles(str(folder / "gone")).open():
        pass
    with pytest.raises(FileUnreadable):
        LocalFiles(str(folder / "gone")).is_folder()
