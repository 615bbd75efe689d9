import gzip
from pathlib import Path

import pytest

from service.archives.source import Folder
from service.archives.sources import open_source
from service.archives.tar_source import TarSource
from service.archives.zip_source import ZipSource
from service.kit.errors import BadRequest, FileUnreadable, UnsupportedFormat
from tests.support.archives import tarred, zipped


def test_the_content_of_a_source_counts_whatever_it_is_called(tmp_path: Path) -> None:
    for name, data in {"a.tar": zipped({"a": b"a"}), "b.zip": tarred({"a": b"a"}), "c": zipped({})}.items():
        (tmp_path / name).write_bytes(data)
    assert isinstance(open_source(str(tmp_path)), Folder)
    assert isinstance(open_source(str(tmp_path / "a.tar")), ZipSource)
    assert isinstance(open_source(str(tmp_path / "b.zip")), TarSource)
    assert isinstance(open_source(str(tmp_path / "c")), ZipSource)


@pytest.mark.parametrize(
    ("data", "hint"),
    [(gzip.compress(tarred({})), "gzip -d"), (b"\x89PNG\r\n\x1a\n", "inspect"), (b"", "inspect")],
    ids=["compressed", "image", "empty"],  # the time is in compressed bytes
)
def test_anything_else_is_refused_with_what_to_do(tmp_path: Path, data: bytes, hint: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(UnsupportedFormat) as refused:
        open_source(str(tmp_path / "x"))
    assert hint in refused.value.hint


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        open_source(str(tmp_path / "gone"))
    with pytest.raises(BadRequest):
        open_source("https://example.com/a.zip")
