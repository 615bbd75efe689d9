import io
import os
import stat
import sys
from pathlib import Path

import pytest

from service.cli import files, web_files
from service.kit.errors import BadRequest, FileUnreadable


def test_one_byte_more_than_allowed_tells_that_there_are_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(str(tmp_path / "a"), 3) == b"1234"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"12345")))
    assert files.read("-", 3) == b"1234"
    with pytest.raises(FileUnreadable):
        files.read(str(tmp_path / "none"), 3)
    with pytest.raises(FileUnreadable, match="is a folder"):
        files.read(str(tmp_path), 3)


def test_an_address_on_the_web_is_fetched_only_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_files, "fetch", lambda url, max_bytes: url.encode()[:max_bytes])
    assert files.read("https://example.com/a?b*", 100, fetch=True) == b"https://example.com/a?b*"
    with pytest.raises(FileUnreadable, match="is not fetched") as caught:
        files.read("https://example.com/a", 100)
    assert "COUNTERMARK_FETCH_URLS" in caught.value.hint


def test_what_is_an_address_on_the_web() -> None:
    assert files.is_url("https://example.com/a.png")
    assert files.is_url("HTTP://example.com")
    assert not any(map(files.is_url, ("ftp://example.com", "a.png", "-", "https.png")))


def test_a_name_says_the_format() -> None:
    assert [files.format_of(name) for name in ("a.PNG", "a.jpg", "a.jpeg", "a.webp", "-")] == [
        "png",
        "jpeg",
        "jpeg",
        "webp",
        "png",
    ]
    with pytest.raises(BadRequest):
        files.format_of("a.gif")


def test_a_target_is_not_written_over_unless_it_is_forced(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    files.check_target(str(target), force=False)
    target.touch()
    files.check_target(str(target), force=True)
    for name, force in ((target, False), (tmp_path, True), (tmp_path / "none" / "a.png", True)):
        with pytest.raises(BadRequest):
            files.check_target(str(name), force)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.png"
    files.write(str(target), b"first", 0o600)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

    def full(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.write(str(target), b"second")
    assert target.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target]


def test_the_stem_of_a_name() -> None:
    assert (files.stem("-"), files.stem("/x/lake.tar.png")) == ("stdin", "lake.tar")


def test_a_folder_that_cannot_be_made_is_a_wrong_request(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "deep" / "er")
    assert (tmp_path / "deep" / "er").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(BadRequest):
        files.make_folder(tmp_path / "file" / "x")
