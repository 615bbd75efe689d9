import os
from pathlib import Path

import pytest

from service.cli import search
from service.kit.errors import FileUnreadable
from tests.assets.hostile import picture, save


def test_folders_are_searched_by_content_and_globs_matched_in_order(tmp_path: Path) -> None:
    """The ending of a name says nothing: phones and browsers write `.jfif`, `.jpe`, and none at all."""
    image = save(picture(size=(8, 8)), "JPEG")
    for name in ("b.png", "deep/a.JPG", "c", "d.jfif", "e.jpe", "picture.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(image)
    for name, content in (("notes.jpg", b"no image"), ("empty.png", b""), ("deep/page.html", b"<html>")):
        (tmp_path / name).write_bytes(content)
    skipped: list[str] = []
    found = [Path(name).relative_to(tmp_path).as_posix() for name in search.expand([str(tmp_path)], skipped.append)]
    assert found == ["b.png", "c", "d.jfif", "deep/a.JPG", "e.jpe", "picture.txt"]
    assert [Path(name).relative_to(tmp_path).as_posix() for name in skipped] == [
        "deep/page.html",
        "empty.png",
        "notes.jpg",
    ]
    assert list(search.expand([str(tmp_path / "*.png"), "-", "missing.png"], skipped.append)) == [
        str(tmp_path / "b.png"),
        str(tmp_path / "empty.png"),
        "-",
        "missing.png",
    ]
    assert list(search.expand([str(tmp_path / "*.gif")], skipped.append)) == [str(tmp_path / "*.gif")]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_every_format_is_an_image_under_any_name(form: str, tmp_path: Path) -> None:
    (tmp_path / "unnamed").write_bytes(save(picture(size=(16, 16)), form))
    assert list(search.expand([str(tmp_path)], pytest.fail)) == [str(tmp_path / "unnamed")]


def test_a_folder_without_images_says_what_images_are(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_bytes(b"no image")
    skipped: list[str] = []
    with pytest.raises(FileUnreadable, match="contains no images"):
        list(search.expand([str(tmp_path)], skipped.append))
    assert skipped == [str(tmp_path / "notes.png")]


def test_without_recursion_a_folders_own_files_are_searched(tmp_path: Path) -> None:
    image = save(picture(size=(8, 8)), "PNG")
    (tmp_path / "deep").mkdir()
    for name in ("a", "deep/b"):
        (tmp_path / name).write_bytes(image)
    assert list(search.expand([str(tmp_path)], pytest.fail, recursive=False)) == [str(tmp_path / "a")]


def test_a_glob_that_matches_a_folder_searches_it_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(save(picture(size=(8, 8)), "PNG"))
    for pattern in ("*", "**", "**/*"):
        assert list(search.expand([str(tmp_path / pattern)], pytest.fail)) == [str(tmp_path / "deep" / "a")]


def test_a_name_that_looks_like_a_glob_and_matches_nothing_is_a_name(tmp_path: Path) -> None:
    name = str(tmp_path / "holiday [2].png")
    assert list(search.expand([name], pytest.fail)) == [name]


def test_films_and_documents_can_be_examined_and_are_no_images(tmp_path: Path) -> None:
    contents = {
        "film": b"\0\0\0\x18ftypisom\0\0\0\0isom",
        "photo": b"\0\0\0\x18ftypheic\0\0\0\0heic",
        "paper": b"%PDF-1.7\n",
        "drawing": b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        "archive": b"PK\x03\x04",
        "beside": b"\0\0\0\x20jumb",
        "text": b"hello",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    skipped: list[str] = []
    found = list(search.expand([str(tmp_path)], skipped.append, search.EXAMINABLE))
    assert [Path(name).name for name in found] == ["drawing", "film", "paper", "photo"]
    assert [Path(name).name for name in skipped] == ["archive", "beside", "text"]
    with pytest.raises(FileUnreadable, match="contains no images"):
        list(search.expand([str(tmp_path)], skipped.append))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    skipped: list[str] = []
    assert list(search.expand([str(tmp_path)], skipped.append)) == [str(tmp_path / "dangling")]
    assert skipped == [str(tmp_path / "pipe")]


def test_a_folder_that_cannot_be_opened_is_told_by_reading_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    walk = os.walk

    def denied(folder: str, onerror: object) -> object:
        assert callable(onerror)
        onerror(PermissionError(13, "denied", str(tmp_path / "closed")))
        return walk(folder)

    monkeypatch.setattr(os, "walk", denied)
    assert list(search.expand([str(tmp_path)], pytest.fail)) == [str(tmp_path / "closed")]


def test_what_names_other_files(tmp_path: Path) -> None:
    assert search.is_expanded([str(tmp_path)])
    assert search.is_expanded(["-", "*.png"])
    assert not search.is_expanded(["-", "missing.png", str(tmp_path / "a")])
    assert list(search.expand(["https://example.com/a?b=*"], pytest.fail)) == ["https://example.com/a?b=*"]


def test_an_empty_folder_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a").write_bytes(save(picture(size=(8, 8)), "PNG"))
    paths = [str(tmp_path / "empty"), str(tmp_path / "a")]
    assert list(search.expand(paths, pytest.fail)) == paths
    with pytest.raises(FileUnreadable, match="contains no images"):
        list(search.expand(paths[:1], pytest.fail))
