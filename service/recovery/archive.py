"""The file of a backup: a tar archive whose first member lists all others with their digests.

    manifest.json           what it is, and every other member with its size and SHA-256
    ledger.db | ledger.dump the database: SQLite's file, or a dump of PostgreSQL's
    home/...                files of the home folder: keys, held images, adapters, model cards

A backup that is not encrypted is an ordinary archive that `tar` reads. It is read as a stream, and nothing is taken
from it that the manifest does not list.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from service.kit import home
from service.kit.errors import BackupUnusable, BadRequest, FileUnreadable
from service.recovery.encryption import DecryptingReader, EncryptingWriter, is_encrypted

MANIFEST = "manifest.json"
FORMAT = "countermark-backup/1"
HOME = "home"
HOME_FOLDERS = ("keys", "held", "adapters", "cards")
_MAX_MANIFEST = 64 << 20
_BLOCK = 1 << 20
_PART = r"[^/\x00]+"
_NAME = re.compile(rf"ledger\.(?:db|dump)|{HOME}/(?:{'|'.join(HOME_FOLDERS)})(?:/{_PART})+")

DatabaseKind = Literal["sqlite", "postgresql"]
LEDGER_MEMBER: Mapping[DatabaseKind, str] = {"sqlite": "ledger.db", "postgresql": "ledger.dump"}


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup: its size in bytes and its SHA-256 (hex)."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `decisions`, `images` and `head` are of the chain in it; `elsewhere` names settings whose
    secrets or files are not in the backup."""

    created_at: str
    product: str
    database: DatabaseKind
    database_id: str
    decisions: int
    images: int
    head: str
    elsewhere: tuple[str, ...]
    members: tuple[Member, ...]
    format: str = FORMAT


def describe(folder: Path, names: Iterator[str]) -> Iterator[Member]:
    """The members that the files `names` below `folder` will be."""
    for name in names:
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Member(name, (folder / name).stat().st_size, digest)


def write(target: BinaryIO, folder: Path, manifest: Manifest, passphrase: bytes | None) -> None:
    """Write the manifest and the files below `folder` that it lists. Raises BadRequest for a short passphrase."""
    stream = EncryptingWriter(target, passphrase) if passphrase is not None else None
    with tarfile.open(fileobj=stream or target, mode="w|") as archive:
        text = json.dumps(asdict(manifest), indent=1).encode()
        archive.addfile(_header(MANIFEST, len(text)), io.BytesIO(text))
        for member in manifest.members:
            with (folder / member.name).open("rb") as file:
                archive.addfile(_header(member.name, member.bytes), file)
    if stream:
        stream.close()


def extract(path: Path, folder: Path, passphrase: bytes | None) -> Manifest:
    """Write every file of a backup into `folder`, which is empty and private, and compare it with its digest.

    Raises:
        FileUnreadable: there is no such file.
        BadRequest: it is encrypted and there is no passphrase.
        BackupUnusable: it is damaged, incomplete, no backup, or encrypted with another passphrase.
    """
    try:
        with _opened(path, passphrase) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            manifest = _read_manifest(archive)
            left = {member.name: member for member in manifest.members}
            for entry in iter(archive.next, None):
                _extract(archive, entry, left, folder)
            while stream.read(_BLOCK):  # to the very end, which an encrypted backup proves to be one
                pass
    except (tarfile.TarError, EOFError) as damaged:
        raise BackupUnusable("the file is no backup, or it is damaged") from damaged
    if left:
        raise BackupUnusable(f"the backup is incomplete: {next(iter(left))} is missing")
    return manifest


@contextmanager
def _opened(path: Path, passphrase: bytes | None) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as gone:
        raise FileUnreadable(f"{path} cannot be read: {gone.strerror}") from gone
    with file:
        if not is_encrypted(file):
            yield file
        elif passphrase is None:
            raise BadRequest("the backup is encrypted", hint="Add --passphrase-file FILE, or --passphrase to be asked.")
        else:
            yield io.BufferedReader(DecryptingReader(file, passphrase), _BLOCK)


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    file = archive.extractfile(first) if first and first.isreg() and first.name == MANIFEST else None
    if first is None or file is None or first.size > _MAX_MANIFEST:
        raise BackupUnusable("the file is no backup: it does not begin with a manifest")
    try:
        fields = json.loads(file.read())
        members = tuple(Member(**member) for member in fields.pop("members"))
        manifest = Manifest(**{**fields, "elsewhere": tuple(fields["elsewhere"])}, members=members)
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise BackupUnusable("the backup's manifest is damaged") from wrong
    if manifest.format != FORMAT or manifest.database not in LEDGER_MEMBER:
        raise BackupUnusable(f"this version does not read backups of the format {manifest.format!r}")
    if LEDGER_MEMBER[manifest.database] not in {member.name for member in members}:
        raise BackupUnusable("the backup holds no ledger")
    return manifest


def _extract(archive: tarfile.TarFile, entry: tarfile.TarInfo, left: dict[str, Member], folder: Path) -> None:
    """Write one member; take it out of `left`."""
    expected = left.pop(entry.name, None)
    source = archive.extractfile(entry) if entry.isreg() else None
    if expected is None or source is None or not _is_safe(entry.name):
        raise BackupUnusable(f"the backup holds something that it does not list: {entry.name!r}")
    target, digest, size = folder / entry.name, hashlib.sha256(), 0
    for parent in reversed(Path(entry.name).parents):  # `parents=True` would give the upper ones other rights
        (folder / parent).mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
        home.sync(file)
    if (size, digest.hexdigest()) != (expected.bytes, expected.sha256):
        raise BackupUnusable(f"the backup is damaged: {entry.name} is not what was saved")


def _is_safe(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not {".", ".."} & set(name.split("/"))


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header
