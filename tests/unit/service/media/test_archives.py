"""Archives: what is taken out of them, and that none takes more than it may."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Iterator

import pytest

from service.kit.errors import BrokenArchive, TooLarge
from service.media.archives import ArchiveLimits, is_archive, unpack
from service.media.isolation.parsers import Parsed
from service.media.isolation.pool import ParserPool
from service.media.pictures import ImageLimits
from tests.support.painter import landscape

HERE = ImageLimits(1 << 20, 1 << 20)
LIMITS = ArchiveLimits(files=3, file_bytes=1 << 20, all_bytes=2 << 20)
NOISE = landscape(1, 64, 64).tobytes()
FILES = {"a.png": NOISE, "inner/b.txt": b"hello", "ü.jpg": b""}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.mkdir("inner")
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
            odd = tarfile.TarInfo("odd")
            odd.type, odd.linkname = kind, "/etc/passwd"
            archive.addfile(odd)
    return out.getvalue()


KINDS = {
    "zip": zipped(FILES),
    "deflate": zipped(FILES, compression=zipfile.ZIP_DEFLATED),
    "bzip2": zipped(FILES, compression=zipfile.ZIP_BZIP2),
    "lzma": zipped(FILES, compression=zipfile.ZIP_LZMA),
    "tar": tarred(FILES),
    "tar.gz": tarred(FILES, "w:gz"),
    "tar.bz2": tarred(FILES, "w:bz2"),
    "tar.xz": tarred(FILES, "w:xz"),
}


@pytest.fixture(scope="module")
def confined() -> Iterator[ImageLimits]:
    """Parsing as in production, in a process that can open nothing."""
    pool = ParserPool(1, 512 << 20)
    yield ImageLimits(1 << 20, 1 << 20, 30.0, pool)
    pool.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_regular_files_in_order(kind: str, confined: ImageLimits) -> None:
    assert is_archive(KINDS[kind])
    assert unpack(KINDS[kind], LIMITS, confined) == list(FILES.items())


@pytest.mark.parametrize("data", [b"", b"PK", NOISE, b"\x89PNG\r\n\x1a\n", b"II*\0", b"\xff\xd8\xff"])
def test_what_is_no_archive(data: bytes) -> None:
    assert not is_archive(data)


def locked() -> bytes:
    data = bytearray(zipped({"a": b"secret"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says that it is encrypted
        place = data.rindex(mark) + at
        data[place : place + 2] = struct.pack("<H", 1)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        KINDS["deflate"][:200], KINDS["deflate"][:-30], KINDS["tar.gz"][:100], KINDS["tar.xz"][:200], b"BZh9" + NOISE,
        b"\x1f\x8b" + NOISE, locked(), zipped({}), tarred({}), b"PK\x05\x06" + bytes(18),
    ],
)  # fmt: skip
def test_what_is_damaged_locked_or_empty(data: bytes) -> None:
    with pytest.raises(BrokenArchive):
        unpack(data, LIMITS, HERE)


@pytest.mark.parametrize(
    ("files", "limits", "told"),
    [
        ({f"{n}": b"x" for n in range(4)}, LIMITS, "more than 3 files"),
        ({"a": NOISE}, ArchiveLimits(3, len(NOISE) - 1, 1 << 20), "a file in the archive"),
        ({"a": NOISE, "b": NOISE}, ArchiveLimits(3, 1 << 20, 2 * len(NOISE) - 1), "bytes together"),
        ({"a": bytes(3 << 20)}, ArchiveLimits(3, 4 << 20, 4 << 20), "far more"),
    ],
    ids=["files", "file", "all", "bomb"],
)
def test_none_takes_more_than_it_may(files: dict[str, bytes], limits: ArchiveLimits, told: str) -> None:
    for data in (zipped(files, compression=zipfile.ZIP_DEFLATED), tarred(files, "w:gz")):
        with pytest.raises(TooLarge, match=told):
            unpack(data, limits, HERE)


def test_a_worker_that_a_file_has_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ({}, {"files": 1}, {"files": [["a"]]}, {"files": [["a", 9]]}, {"files": [["a", -1], ["b", 3]]}):
        lying = Parsed(value, b"xy")
        monkeypatch.setattr(type(HERE.parsers), "_run", lambda *_, lying=lying: lying)
        with pytest.raises(BrokenArchive, match="safely"):
            unpack(KINDS["zip"], LIMITS, HERE)
