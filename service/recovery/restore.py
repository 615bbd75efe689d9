"""Putting a backup back: verified first, then the home folder, the ledger last.

Keys without their ledger do not start (`service.ledger.home_ledger`), so a process that is killed in between leaves a
home that refuses to start, and never one that has silently lost something.
"""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service.installation import open_installation
from service.keys import signing
from service.kit import home
from service.kit.clock import utc_now
from service.kit.errors import BadRequest, Error, Misconfigured
from service.kit.settings import Settings
from service.ledger.home_ledger import location, read_note
from service.ledger.ledger import Ledger
from service.recovery import archive, backup, deletions
from service.recovery.archive import Manifest
from service.recovery.deletions import Applied, Deletion
from service.storage import restore_dump, sqlite_file

_LOG_SUFFIXES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the backup's manifest, the head of the chain now, what was deleted again, and where the state
    that was replaced is kept (None: there was none)."""

    manifest: Manifest
    decisions: int
    head: str
    applied: tuple[Applied, ...]
    kept: Path | None


def restore(
    settings: Settings,
    source: Path,
    *,
    passphrase: bytes | None = None,
    replace: bool = False,
    deletion_list: Path | None = None,
) -> Restored:
    """Restore a backup into the home folder and the database that the settings name. No server may run on them.

    `replace`: what is there is replaced; files are kept in a folder `replaced-...` of the home, the tables of a
    PostgreSQL database are not. `deletion_list`: deletions to apply again, beside those in the ledger that is replaced.

    Raises:
        BadRequest: there is an installation already and `replace` is not given, or the backup is of the other database.
        FileUnreadable, BackupUnusable, LedgerCorrupt: the backup or the list cannot be used; nothing was changed.
        Misconfigured, Unavailable: home or database cannot be used.
    """
    home.prepare(settings.home)
    wanted = deletions.read_list(deletion_list) if deletion_list else []
    backup.kind_of(settings)
    if _occupied(settings) and not replace:
        raise BadRequest(
            f"{settings.home} holds an installation, or its database does",
            hint="Restore into an empty home, or add --replace. Stop the server first.",
        )
    try:
        with tempfile.TemporaryDirectory(dir=settings.home, prefix=".restore-") as scratch:
            manifest, wanted, kept = _replace(settings, source, Path(scratch), passphrase, wanted)
    except OSError as denied:
        raise Misconfigured(
            f"the backup cannot be restored into {settings.home}: {denied.strerror}",
            hint="Make room or give rights, and run it again with --replace. What was replaced is in `replaced-...`.",
        ) from denied
    return _finish(settings, manifest, wanted, kept)


def _replace(
    settings: Settings, source: Path, folder: Path, passphrase: bytes | None, wanted: Sequence[Deletion]
) -> tuple[Manifest, list[Deletion], Path | None]:
    """Verify the backup in `folder`, and put it in the place of what is there. All deletions that are known then."""
    kind = backup.kind_of(settings)
    manifest = archive.extract(source, folder, passphrase)
    if manifest.database != kind:
        raise BadRequest(
            f"the backup holds a ledger of {manifest.database}, and the settings name one of {kind}",
            hint="Set COUNTERMARK_DATABASE_URL accordingly.",
        )
    backup.verify(manifest, folder)
    known = [*wanted, *_deletions_there(settings, manifest)]
    kept = _set_aside(settings)
    _put(settings, folder, manifest)
    return manifest, known, kept


def _finish(settings: Settings, manifest: Manifest, wanted: Sequence[Deletion], kept: Path | None) -> Restored:
    """Open what was restored as every command does, record that it was, and delete again what had been deleted."""
    with closing(open_installation(settings)) as installation:
        ledger = installation.ledger
        missing = deletions.missing_from(ledger, wanted)
        content = {"action": "restored", "backup": manifest.created_at, "decisions": manifest.decisions}
        ledger.record("ledger", manifest.database_id, {**content, "deletions": len(missing)})
        applied = tuple(deletions.apply(installation, missing))
        seq, head = ledger.head
        return Restored(manifest, seq, head, applied, kept)


def _occupied(settings: Settings) -> bool:
    """The home has keys, or the ledger has decisions."""
    if signing.exist(settings.home) or read_note(settings.home):
        return True
    file = sqlite_file(location(settings))
    if file is not None:
        return file.exists() and file.stat().st_size > 0
    with closing(Ledger.open(location(settings))) as ledger:
        return ledger.head[0] > 0


def _deletions_there(settings: Settings, manifest: Manifest) -> list[Deletion]:
    """The deletions in the ledger that is replaced, as far as it can be read and is the same one as in the backup."""
    file = sqlite_file(location(settings))
    if file is not None and not file.exists():
        return []
    try:
        with closing(Ledger.open(location(settings))) as ledger:
            same = ledger.identity().database_id == manifest.database_id
            return deletions.deletions_of(ledger) if same else []
    except (Error, ValueError):  # it is broken, which may be why it is replaced
        return []


def _set_aside(settings: Settings) -> Path | None:
    """Move the present state into a folder of its own; the ledger first: without it nothing starts."""
    present = [*_ledger_files(settings), *(settings.home / name for name in archive.HOME_FOLDERS)]
    present = [path for path in present if path.exists()]
    if not present:
        return None
    kept = Path(tempfile.mkdtemp(dir=settings.home, prefix=f"replaced-{utc_now():%Y%m%dT%H%M%SZ}-"))
    for path in present:
        shutil.move(path, kept / path.name)
    return kept


def _put(settings: Settings, folder: Path, manifest: Manifest) -> None:
    """Move the extracted files to their places; the ledger last."""
    for name in archive.HOME_FOLDERS:
        if (folder / archive.HOME / name).exists():
            (folder / archive.HOME / name).replace(settings.home / name)
    home.sync_folder(settings.home)
    ledger, file = folder / archive.LEDGER_MEMBER[manifest.database], sqlite_file(location(settings))
    if file is None:
        restore_dump(ledger, str(settings.database_url))
        return
    shutil.move(ledger, file)
    home.sync_folder(file.parent)


def _ledger_files(settings: Settings) -> list[Path]:
    file = sqlite_file(location(settings))
    return [] if file is None else [file, *(file.with_name(file.name + suffix) for suffix in _LOG_SUFFIXES)]
