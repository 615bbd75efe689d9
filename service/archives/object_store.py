"""Files in an object store or another place that fsspec reaches by URL."""

import contextlib
import importlib
import posixpath
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from service.archives.entry import Entry
from service.kit.errors import BadRequest, Error, FileUnreadable, Unavailable

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "sftp", "file", "memory")
"""What is opened. Addresses on the web are not: see `COUNTERMARK_FETCH_URLS`."""

_S3_PAGE = 1000
_INSTALL = "pip install 'countermark[archive,s3]' for S3, or the fsspec library of the other store"
_GONE = (FileNotFoundError, PermissionError, IsADirectoryError)


def is_url(name: str) -> bool:
    """Whether a source is named by URL."""
    return "://" in name


class ObjectStore:
    """A bucket, a prefix or an object. Credentials come from the environment, as the store's own tools read them."""

    def __init__(self, url: str) -> None:
        """Raises BadRequest for a URL that is not opened, and Unavailable if a library for it is missing."""
        self.name = url
        _check(url)
        try:
            fsspec = importlib.import_module("fsspec")
            self._store, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as missing:
            raise Unavailable(f"a library to read {url} is missing: {missing}", hint=_INSTALL) from missing
        except ValueError as unknown:
            raise BadRequest(
                f"{url} cannot be opened: {unknown}", hint=f"Use one of {', '.join(SCHEMES)}."
            ) from unknown
        self._root = self._root.rstrip("/")

    def is_folder(self) -> bool:
        with self._answering(self.name):
            if self._store.isfile(self._root):
                return False
            if not self._store.exists(self._root):
                raise FileUnreadable(f"{self.name} does not exist")
            return True

    def walk(self) -> Iterator[Entry]:
        listed = self._walk_s3() if self._store.protocol[0] == "s3" else self._walk_folders()
        with self._answering(self.name):
            yield from listed

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        with self._answering(self.name), self._store.open(self._root, "rb") as file:
            yield cast(BinaryIO, file)

    def read(self, path: str, start: int, length: int) -> bytes:
        name = posixpath.join(self._root, path) if path else self._root
        with self._answering("the file"):
            return bytes(self._store.cat_file(name, start=start, end=start + length))

    def _walk_s3(self) -> Iterator[Entry]:
        """Page by page: fsspec's own walk would hold every object below a prefix."""
        bucket, _, prefix = self._root.partition("/")
        prefix = f"{prefix}/" if prefix else ""
        page: dict[str, Any] = {}
        more: dict[str, str] = {}
        while more or not page:
            page = self._store.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=_S3_PAGE, **more)
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # the mark of an empty folder
                    yield Entry(found["Key"].removeprefix(prefix), found["Size"])
            more = {"ContinuationToken": page["NextContinuationToken"]} if page.get("IsTruncated") else {}

    def _walk_folders(self) -> Iterator[Entry]:
        for folder, folders, found in self._store.walk(self._root, detail=True):
            for name in sorted(folders):  # in this order it goes on
                folders[name] = folders.pop(name)
            inside = folder.removeprefix(self._root).strip("/")
            for name, facts in sorted(found.items()):
                yield Entry(posixpath.join(inside, name), facts["size"])

    @contextlib.contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Tell what is not there, or not allowed, from a store that does not answer."""
        try:
            yield
        except _GONE as gone:
            raise FileUnreadable(f"{what} cannot be read: {_reason(gone)}") from gone
        except Error:  # of what is in the archive
            raise
        except Exception as failed:
            raise Unavailable(
                f"{self.name} does not answer ({type(failed).__name__})",
                hint="Check the address, the network and the credentials, then go on with --resume.",
            ) from failed


def _check(url: str) -> None:
    parts = urlsplit(url)
    if "::" in url or parts.scheme not in SCHEMES:
        raise BadRequest(
            f"{parts.scheme or url} addresses are not examined as archives", hint=f"Use one of {', '.join(SCHEMES)}."
        )
    if (parts.username is not None and parts.scheme != "sftp") or parts.password is not None:
        raise BadRequest(
            "the address has a password in it, which would stand in the report",
            hint="Give credentials in the environment, as the store's own tools read them.",
        )


def _reason(gone: OSError) -> str:
    return {FileNotFoundError: "it does not exist", PermissionError: "access is denied"}.get(
        type(gone), "it is a folder"
    )
