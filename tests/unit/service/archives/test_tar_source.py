import io
import tarfile
from pathlib import Path

import pytest

from service.archives.local_files import LocalFiles
from service.archives.tar_source import TarSource
from service.kit.errors import BrokenArchive, TooLarge
from tests.support.archives import read_all, tarred

FILES = {"a/b.png": b"one" * 500, "ü" * 120: b"", "c.txt": b"three"}


def source(path: Path, data: bytes, max_members: int = 10) -> TarSource:
    (path / "a.tar").write_bytes(data)
    return TarSource(LocalFiles(str(path / "a.tar")), max_members)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_member_is_read_where_it_lies(tmp_path: Path, form: int) -> None:
    assert read_all(source(tmp_path, tarred(FILES, form))) == FILES


def test_links_are_faults_and_folders_are_left_out(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in (
            ("d", tarfile.DIRTYPE),
            ("l", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("p", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    assert read_all(source(tmp_path, made.getvalue())) == dict.fromkeys("lhp", "unsupported_format")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        list(source(tmp_path, tarred(FILES), max_members=2).entries())


def test_what_can_be_read_of_a_damaged_archive_is_listed(tmp_path: Path) -> None:
    whole = tarred({"a": b"a" * 600, "b": b"b" * 600, "c": b"c" * 600})
    cut = read_all(source(tmp_path, whole[:2300]))
    assert cut == {"a": b"a" * 600, "b": "broken_archive", "a.tar": "broken_archive"}
    overwritten = whole[:3072] + b"?" * 512 + whole[3584:]
    found = read_all(source(tmp_path, overwritten))
    assert found == {"a": b"a" * 600, "b": b"b" * 600, "a.tar": "broken_archive"}


def test_nothing_but_damage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenArchive):
        list(source(tmp_path, b"?" * 1024).entries())


def test_an_extended_header_of_any_length_is_not_read(tmp_path: Path) -> None:
    huge = tarfile.TarInfo("x")
    huge.type, huge.size = tarfile.XHDTYPE, 1 << 40
    archive = tarred({"a": b"a"})[:1024] + huge.tobuf() + bytes(1024)
    assert read_all(source(tmp_path, archive)) == {"a": b"a", "a.tar": "broken_archive"}
