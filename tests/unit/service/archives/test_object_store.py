import importlib.util
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from service.archives import object_store
from service.archives.object_store import ObjectStore, is_url
from service.archives.sources import open_source
from service.kit.errors import BadRequest, BrokenArchive, FileUnreadable, Unavailable
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


WITHOUT_S3 = [name for name in ("s3fs", "moto", "flask_cors") if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """An S3-compatible store that listens on this machine."""
    if WITHOUT_S3:
        pytest.skip(f"NOT TESTED: S3. Missing: {', '.join(WITHOUT_S3)} (pip install s3fs 'moto[s3]' flask-cors)")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.get_host_and_port()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = fsspec.filesystem("s3")
        store.mkdir("photos")
        yield store
    server.stop()


def test_s3_is_listed_page_by_page(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    objects: dict[str, bytes | str] = {f"{number:02}.png": b"nothing" for number in range(7)}
    objects |= {"a/b c+\u00fc.png": b"broken", "empty.png": b""}
    for name, data in objects.items():
        s3.pipe(f"photos/2026/{name}", data)
    s3.pipe("photos/2026/folder/", b"")
    s3.pipe("photos/20267.png", b"of another prefix")
    asked: list[dict[str, Any]] = []
    call = type(s3).call_s3

    def counted(self: Any, *words: Any, **more: Any) -> Any:
        asked.append(more)
        return call(self, *words, **more)

    monkeypatch.setattr(type(s3), "call_s3", counted)
    monkeypatch.setattr(object_store, "_S3_PAGE", 4)
    assert read_all(open_source("s3://photos/2026/")) == objects
    assert [each["MaxKeys"] for each in asked] == [4, 4, 4]


def test_archives_in_s3_are_read_where_they_lie(s3: Any) -> None:
    s3.pipe("photos/a.zip", zipped({"m": b"member" * 99}))
    s3.pipe("photos/a.tar", tarred({"t": b"member"}))
    assert read_all(open_source("s3://photos/a.zip")) == {"m": b"member" * 99}
    assert read_all(open_source("s3://photos/a.tar")) == {"t": b"member"}


@pytest.mark.usefixtures("s3")
def test_what_is_not_in_s3_is_told() -> None:
    for url in ("s3://photos/gone", "s3://gone/x"):
        with pytest.raises(FileUnreadable, match="does not exist"):
            open_source(url)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("url", ["memory://bucket", "memory://bucket/"])
def test_every_object_is_listed_and_read(url: str) -> None:
    assert read_all(open_source(url)) == FILES


@pytest.mark.usefixtures("memory")
def test_archives_in_a_store_are_read_where_they_lie() -> None:
    assert read_all(open_source("memory://bucket.zip")) == {"m": b"member" * 99}
    assert read_all(open_source("memory://bucket.tar")) == {"t": b"member"}


def test_a_damaged_archive_is_not_a_store_that_does_not_answer(memory: Any) -> None:
    memory.pipe("/damaged.zip", b"PK\x03\x04")
    with pytest.raises(BrokenArchive):
        list(open_source("memory://damaged.zip").entries())


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
