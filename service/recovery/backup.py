"""Saving an installation into one file, while it runs, and reading that file again before it counts."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from service import __version__
from service.installation import Installation
from service.keys.vault_keys import VaultKeys
from service.kit import home
from service.kit.clock import stamp, utc_now
from service.kit.errors import BackupUnusable, BadRequest, LedgerCorrupt, Misconfigured, Unavailable
from service.kit.settings import PREFIX, Settings
from service.ledger.home_ledger import NOTE, LedgerNote, location
from service.ledger.ledger import ChainAudit, Ledger
from service.recovery import archive
from service.recovery.archive import DatabaseKind, Manifest
from service.storage import OnProgress, check_dump, check_sqlite, sqlite_file

_ELSEWHERE = (
    "signing_certificates",
    "signing_key",
    "signing_pkcs12",
    "signing_password_file",
    "signing_pkcs11_module",
    "watermark_secret",
    "watermark_secrets_file",
    "trust_anchors",
    "trust_lists",
    "prompt_rules",
    "foreign_watermarks_file",
    "thresholds_file",
    "reference_adapter",
)


def back_up(
    installation: Installation,
    target: Path,
    *,
    passphrase: bytes | None = None,
    force: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> Manifest:
    """Write the ledger and the state in the home folder into `target` (mode 0600), encrypted with a `passphrase`.

    Others may write meanwhile. The file appears only once it was read again: every digest, the database's own check and
    the audit of the chain. It takes free space for two more copies of the ledger beside it.

    Raises:
        BadRequest: the file exists and `force` is not given, it cannot be written, or the passphrase is too short.
        LedgerCorrupt: the audit finds problems. A backup would only repeat them.
        BackupUnusable: what was written is not what was read back.
        Unavailable: the ledger cannot be read, PostgreSQL's programs are missing, or a vault key was deleted meanwhile.
    """
    if target.exists() and not force:
        raise BadRequest(f"{target} already exists", hint="Choose another name, or add --force.")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".countermark-backup-") as scratch:
            folder = Path(scratch)
            manifest = _collect(installation, folder / "state", on_progress)
            written = folder / "backup"
            with written.open("xb") as file:
                written.chmod(0o600)
                archive.write(file, folder / "state", manifest, passphrase)
                home.sync(file)
            shutil.rmtree(folder / "state")
            (folder / "again").mkdir(mode=0o700)
            if archive.extract(written, folder / "again", passphrase) != manifest:
                raise BackupUnusable("the backup is not what was saved", hint="Check the disk, and try again.")
            verify(manifest, folder / "again")
            written.replace(target)
            home.sync_folder(target.parent)
    except OSError as denied:
        raise BadRequest(f"{target} cannot be written: {denied.strerror}", hint="Choose another place.") from denied
    return manifest


def verify(manifest: Manifest, folder: Path) -> None:
    """Check the ledger of a backup that was extracted into `folder`.

    Raises LedgerCorrupt, BackupUnusable, and Unavailable where PostgreSQL's programs are missing.
    """
    path = folder / archive.LEDGER_MEMBER[manifest.database]
    if manifest.database == "postgresql":
        check_dump(path)
        return
    check_sqlite(path)
    ledger = Ledger.open(path)
    try:
        found, identity = _sound(ledger.verify()), ledger.identity()
    finally:
        ledger.close()
    if (found.head, found.decisions, identity.database_id) != (manifest.head, manifest.decisions, manifest.database_id):
        raise BackupUnusable("the ledger in the backup is not the one that its manifest describes")


def kind_of(settings: Settings) -> DatabaseKind:
    """Which database these settings name. Raises Misconfigured for one that cannot be backed up."""
    if sqlite_file(location(settings)) is not None:
        return "sqlite"
    if str(settings.database_url).startswith("postgresql"):
        return "postgresql"
    raise Misconfigured("only SQLite and PostgreSQL can be backed up", hint="Use the tools of your database.")


def _collect(installation: Installation, folder: Path, on_progress: OnProgress) -> Manifest:
    """Copy everything into `folder`: the ledger first, so that its keys are all there."""
    settings, ledger = installation.settings, installation.ledger
    folder.mkdir(mode=0o700)
    kind, identity = kind_of(settings), ledger.identity()
    vault_keys = VaultKeys(settings.home)
    known = vault_keys.current()
    audit = _sound(ledger.snapshot(folder / archive.LEDGER_MEMBER[kind], on_progress))
    for name in archive.HOME_FOLDERS:
        _copy_tree(settings.home / name, folder / archive.HOME / name)
    if not set(known) <= set(vault_keys.current()):
        raise Unavailable("an old vault key was deleted meanwhile, and the copy may need it", hint="Run this again.")
    note = LedgerNote(identity.database_id, audit.decisions, audit.head if audit.decisions else "")
    note.write(folder / archive.HOME / NOTE)
    return Manifest(
        created_at=stamp(utc_now()),
        product=__version__,
        database=kind,
        database_id=identity.database_id,
        decisions=audit.decisions,
        images=audit.images,
        head=audit.head,
        elsewhere=tuple(PREFIX + name.upper() for name in _ELSEWHERE if getattr(settings, name)),
        members=tuple(archive.describe(folder, _names(folder))),
    )


def _sound(audit: ChainAudit) -> ChainAudit:
    if audit.problems:
        raise LedgerCorrupt(f"{len(audit.problems)} problems in the ledger; the first: {audit.problems[0]}")
    return audit


def _copy_tree(source: Path, target: Path) -> None:
    """Copy the regular files of a folder. One that disappears meanwhile (a held image that was fetched) is left out."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        copy = target / path.relative_to(source)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)


def _names(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())


def summary(manifest: Manifest) -> dict[str, object]:
    """The manifest for `--json`: without the list of files, which may be long."""
    fields = {name: value for name, value in asdict(manifest).items() if name != "members"}
    return {**fields, "files": len(manifest.members), "bytes": sum(member.bytes for member in manifest.members)}
