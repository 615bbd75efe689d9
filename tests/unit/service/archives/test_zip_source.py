import struct
import zipfile
from pathlib import Path

import pytest

from service.archives.local_files import LocalFiles
from service.archives.zip_source import ZipSource
from service.kit.errors import BrokenArchive, TooLarge
from service.media.isolation.parsers import InProcess
from tests.support.archives import LIMITS, read_all, zipped

FILES = {"a/b.png": b"one" * 50, "ü.jpg": b"", "c.txt": b"three"}


def source(path: Path, data: bytes, max_members: int = 10) -> ZipSource:
    (path / "a.zip").write_bytes(data)
    return ZipSource(LocalFiles(str(path / "a.zip")), max_members)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_member_is_read_where_it_lies(tmp_path: Path, method: int) -> None:
    assert read_all(source(tmp_path, zipped({"a/": b"", **FILES}, method))) == FILES


def test_bytes_before_the_archive_do_not_matter(tmp_path: Path) -> None:
    assert read_all(source(tmp_path, b"a program that unpacks itself" + zipped(FILES))) == FILES


def test_other_methods_and_encryption_are_faults(tmp_path: Path) -> None:
    assert set(read_all(source(tmp_path, zipped(FILES, zipfile.ZIP_LZMA))).values()) == {"unsupported_format"}
    encrypted = bytearray(zipped({"a": b"x"}))
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    assert read_all(source(tmp_path, bytes(encrypted))) == {"a": "unsupported_format"}


def test_a_bomb_is_a_fault_and_nothing_of_it_is_unpacked(tmp_path: Path) -> None:
    assert read_all(source(tmp_path, zipped({"bomb": bytes(8 << 20), "a": b"a"}))) == {"bomb": "too_large", "a": b"a"}


def test_members_that_share_their_bytes_are_faults(tmp_path: Path) -> None:
    whole = zipped({"a": bytes(range(256)) * 4}, zipfile.ZIP_STORED)
    at, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    directory = whole[at:end] * 5
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 5, 5, len(directory), at, 0)
    entries = list(source(tmp_path, whole[:at] + directory + tail).entries())
    assert [entry.fault.code if entry.fault else None for entry in entries] == [None, *["broken_archive"] * 4]


def test_a_member_that_says_to_be_larger_packed_is_not_read(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a": b"x", "b": bytes(20_000)}, zipfile.ZIP_STORED))
    struct.pack_into("<L", whole, whole.index(b"PK\x01\x02") + 20, 15_000)
    assert read_all(source(tmp_path, bytes(whole)))["a"] == "broken_archive"


def test_too_many_members_are_refused_before_any_is_examined(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        list(source(tmp_path, zipped(FILES), max_members=2).entries())


def test_a_directory_that_says_to_be_huge_is_not_read(tmp_path: Path) -> None:
    whole = bytearray(zipped(FILES))
    at = whole.index(b"PK\x05\x06")
    struct.pack_into("<L", whole, at + 12, 1 << 30)
    with pytest.raises(BrokenArchive):
        list(source(tmp_path, bytes(whole)).entries())


@pytest.mark.parametrize("data", [b"PK\x03\x04", zipped(FILES)[:60], zipped(FILES)[:-30]])
def test_a_damaged_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BrokenArchive, match="damaged zip archive"):
        list(source(tmp_path, data).entries())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_told(tmp_path: Path, method: int) -> None:
    whole = bytearray(zipped({"a": bytes(range(256)) * 8}, method))
    whole[60] ^= 0xFF
    archive = source(tmp_path, bytes(whole))
    (entry,) = archive.entries()
    with pytest.raises(BrokenArchive):
        archive.read(entry, LIMITS.max_bytes, InProcess(), None)


def test_a_member_that_is_not_where_the_directory_says_is_told(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a": b"x"}))
    whole[0] = 0
    archive = source(tmp_path, bytes(whole))
    (entry,) = archive.entries()
    with pytest.raises(BrokenArchive, match="not where"):
        archive.read(entry, LIMITS.max_bytes, InProcess(), None)
