import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from service.archives.object_store import ObjectStore, is_url
from service.archives.sources import open_source
from service.kit.errors import BadRequest, FileUnreadable, Unavailable
from tests.support.archives import read_all, tarred, zipped

FILES: dict[str, bytes | str] = {"a/b.png": b"one", "a/z/c.png": b"two", "d": b"three"}


@pytest.fixture
def memory() -> Iterator[Any]:
    """An object store in this process."""
    store = fsspec.filesystem("memory")
    for name, data in FILES.items():
        store.pipe(f"/bucket/{name}", data)
    store.pipe("/bucket.zip", zipped({"m": b"member" * 99}))
    store.pipe("/bucket.tar", tarred({"t": b"member"}))
    yield store
    store.rm("/", recursive=True)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("url", ["memory://bucket", "memory://bucket/"])
def test_every_object_is_listed_and_read(url: str) -> None:
    assert read_all(open_source(url)) == FILES


@pytest.mark.usefixtures("memory")
def test_archives_in_a_store_are_read_where_they_lie() -> None:
    assert read_all(open_source("memory://bucket.zip")) == {"m": b"member" * 99}
    assert read_all(open_source("memory://bucket.tar")) == {"t": b"member"}


def test_a_folder_by_its_url_is_a_folder(tmp_path: Path) -> None:
    for name, data in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else b"")
    assert read_all(open_source(tmp_path.as_uri())) == FILES


def test_what_is_not_there_is_told_from_a_store_that_does_not_answer(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ObjectStore("memory://bucket")
    with pytest.raises(FileUnreadable, match="does not exist"):
        files.read("gone", 0, 1)
    with pytest.raises(FileUnreadable, match="does not exist"):
        ObjectStore("memory://gone").is_folder()

    def fail(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(type(memory), "cat_file", fail)
    monkeypatch.setattr(type(memory), "walk", fail)
    for ask in (lambda: files.read("d", 0, 1), lambda: list(files.walk())):
        with pytest.raises(Unavailable, match="does not answer"):
            ask()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.zip",
        "simplecache::s3://bucket",
        "zip://a.zip",
        "unknown://x",
        "s3://key:secret@bucket/a",
        "s3://key@bucket/a",
    ],
)
def test_other_addresses_and_passwords_are_refused(url: str) -> None:
    assert is_url(url)
    with pytest.raises(BadRequest) as refused:
        ObjectStore(url)
    assert "secret" not in refused.value.message


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(Unavailable) as missing:
        ObjectStore("s3://bucket")
    assert "countermark[archive,s3]" in missing.value.hint


def test_only_addresses_are_urls() -> None:
    assert not is_url("/a/b.zip")
    assert is_url("s3://bucket")
