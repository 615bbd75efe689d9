"""A source by what the operator called it: a folder, a zip or tar archive, or either of them in an object store."""

from collections.abc import Collection
from pathlib import Path

from service.archives.local_files import LocalFiles
from service.archives.object_store import ObjectStore, is_url
from service.archives.packing_limits import MEMBERS
from service.archives.source import Files, Folder, Source
from service.archives.tar_source import TarSource
from service.archives.zip_source import ZipSource
from service.kit.errors import UnsupportedFormat

_HEAD = 512
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and empty
_TAR = slice(257, 262), b"ustar"
_COMPRESSED = {b"\x1f\x8b": "gzip -d", b"BZh": "bzip2 -d", b"\xfd7zXZ": "xz -d", b"\x28\xb5\x2f\xfd": "zstd -d"}


def open_source(name: str, max_members: int = MEMBERS, leave_out: Collection[Path] = ()) -> Source:
    """Open a source. Nothing of it is listed yet. `leave_out`: files and folders in it that the run itself writes.

    Raises:
        FileUnreadable: it does not exist.
        UnsupportedFormat: a file that is no zip or tar archive, or a compressed one.
        BadRequest, Unavailable: as `ObjectStore`.
    """
    files: Files = ObjectStore(name) if is_url(name) else LocalFiles(name, leave_out)
    if files.is_folder():
        return Folder(files)
    with files.open() as file:
        head = file.read(_HEAD)
    if head.startswith(_ZIP):
        return ZipSource(files, max_members)
    if head[_TAR[0]] == _TAR[1]:
        return TarSource(files, max_members)
    raise UnsupportedFormat(f"{name} is no archive that can be examined", hint=_hint(head))


def _hint(head: bytes) -> str:
    for magic, program in _COMPRESSED.items():
        if head.startswith(magic):
            return f"Its members cannot be reached one by one: unpack it first ({program})."
    return "Name a folder, a zip archive, a tar archive, or their address in an object store. For one file: `inspect`."
