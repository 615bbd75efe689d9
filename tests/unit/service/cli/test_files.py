import io
import os
import stat
import sys
from pathlib import Path

import pytest

from service.cli import files
from service.kit.errors import BadRequest, FileUnreadable
from tests.assets.hostile import picture, save


def test_one_byte_more_than_allowed_tells_that_there_are_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(str(tmp_path / "a"), 3) == b"1234"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"12345")))
    assert files.read("-", 3) == b"1234"
    with pytest.raises(FileUnreadable):
        files.read(str(tmp_path / "none"), 3)


def test_folders_are_searched_by_content_and_globs_matched_in_order(tmp_path: Path) -> None:
    """The ending of a name says nothing: phones and browsers write `.jfif`, `.jpe`, and none at all."""
    image = save(picture(size=(8, 8)), "JPEG")
    for name in ("b.png", "deep/a.JPG", "c", "d.jfif", "e.jpe", "picture.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(image)
    for name, content in (("notes.jpg", b"no image"), ("empty.png", b""), ("deep/page.html", b"<html>")):
        (tmp_path / name).write_bytes(content)
    skipped: list[str] = []
    found = [Path(name).relative_to(tmp_path).as_posix() for name in files.expand([str(tmp_path)], skipped.append)]
    assert found == ["b.png", "c", "d.jfif", "deep/a.JPG", "e.jpe", "picture.txt"]
    assert [Path(name).relative_to(tmp_path).as_posix() for name in skipped] == [
        "deep/page.html",
        "empty.png",
        "notes.jpg",
    ]
    assert list(files.expand([str(tmp_path / "*.png"), "-", "missing.png"], skipped.append)) == [
        str(tmp_path / "b.png"),
        str(tmp_path / "empty.png"),
        "-",
        "missing.png",
    ]
    with pytest.raises(FileUnreadable):
        list(files.expand([str(tmp_path / "*.gif")], skipped.append))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_every_format_is_an_image_under_any_name(form: str, tmp_path: Path) -> None:
    (tmp_path / "unnamed").write_bytes(save(picture(size=(16, 16)), form))
    assert list(files.expand([str(tmp_path)], pytest.fail)) == [str(tmp_path / "unnamed")]


def test_a_folder_without_images_says_what_images_are(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_bytes(b"no image")
    skipped: list[str] = []
    with pytest.raises(FileUnreadable, match="contains no images"):
        list(files.expand([str(tmp_path)], skipped.append))
    assert skipped == [str(tmp_path / "notes.png")]


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


def test_names_and_texts_cannot_steer_a_terminal() -> None:
    assert files.printable("a\x1b[31mb\nc\u202e") == "a\ufffd[31mb\nc\ufffd"
    assert files.label(os.fsdecode(b"\xff.png")) == "\ufffd.png"
    assert (files.stem("-"), files.stem("/x/lake.tar.png")) == ("stdin", "lake.tar")


def test_a_folder_that_cannot_be_made_is_a_wrong_request(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "deep" / "er")
    assert (tmp_path / "deep" / "er").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(BadRequest):
        files.make_folder(tmp_path / "file" / "x")
