"""Archives of files to examine: ZIP, and TAR with or without compression. They are read like images, in a worker.

Only regular files are taken, under their names as labels; paths, links, devices and archives inside are not followed.
Nothing is unpacked beyond the limits, whatever an archive says of itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from service.kit.errors import BrokenArchive
from service.media.archive_parser import HINT, LONGEST_NAME
from service.media.isolation.parsers import ARCHIVE
from service.media.pictures import ImageLimits

_MEMORY = 96 << 20  # of decompressors: xz asks for up to 64 MiB
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """At most so many `files`, of so many bytes each, and together."""

    files: int
    file_bytes: int
    all_bytes: int


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin like a ZIP or TAR archive, compressed or not. A TIFF, PNG or JPEG does not."""
    return data.startswith(_MAGIC) or data[257:262] == b"ustar"


def unpack(data: bytes, limits: ArchiveLimits, image_limits: ImageLimits) -> list[tuple[str, bytes]]:
    """The regular files in an archive, by name and bytes, in order.

    Raises:
        BrokenArchive: it is damaged, has a password, or no file in it.
        TooLarge: more files or bytes than `limits` allow, or it unpacks to far more than it has; or it takes too long.
        Unavailable: too many files are being read.
    """
    parsed = image_limits.parsers.run(
        ARCHIVE,
        [data],
        memory=_MEMORY,
        output=limits.all_bytes,
        seconds=image_limits.seconds,
        most_files=limits.files,
        most_bytes=limits.file_bytes,
    )
    try:
        sizes = [(str(name)[:LONGEST_NAME], int(size)) for name, size in parsed.value["files"]]
    except (KeyError, TypeError, ValueError) as wrong:  # a worker that a file has taken over
        raise BrokenArchive("the archive could not be read safely", hint=HINT) from wrong
    if any(size < 0 for _, size in sizes) or sum(size for _, size in sizes) != len(parsed.out):
        raise BrokenArchive("the archive could not be read safely", hint=HINT)
    return list(_cut(parsed.out, sizes))


def _cut(out: bytes, sizes: list[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
    start = 0
    for name, size in sizes:
        yield name, out[start : start + size]
        start += size
