"""What a source of packages offers: a listing of a simple index in HTML (PEP 503) or JSON (PEP 691), or a folder."""

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
"""PEP 691: JSON if the index has it."""

_SHA256 = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that a source offers: its name, its address, and the SHA-256 (hex) that the source states, if any."""

    name: str
    url: str
    sha256: str | None = None


def of_index(body: bytes, media_type: str, url: str) -> list[Offer]:
    """The files of a listing that came from `url`. Raises ValueError if it is none."""
    if media_type.endswith("+json") or media_type == "application/json":
        return _of_json(body, url)
    parser = _Anchors(url)
    parser.feed(body.decode("utf-8", "replace"))
    return parser.found


def of_folder(folder: Path) -> list[Offer]:
    """The files of a folder, or of the listing in it. Raises OSError if it cannot be read."""
    listing = folder / "index.html"
    if listing.is_file():
        return of_index(listing.read_bytes(), "text/html", f"{folder.resolve().as_uri()}/")
    return [Offer(path.name, path.resolve().as_uri()) for path in sorted(folder.iterdir()) if path.is_file()]


def local_path(address: str) -> Path | None:
    """The path that an address names on this machine: a `file:` URL, or a path itself. None for other addresses."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(address).expanduser()


def _of_json(body: bytes, url: str) -> list[Offer]:
    try:
        return [
            Offer(str(file["filename"]), urljoin(url, file["url"]), file.get("hashes", {}).get("sha256"))
            for file in json.loads(body)["files"]
        ]
    except (KeyError, TypeError, AttributeError) as other:
        raise ValueError("the listing is not that of a simple index") from other


class _Anchors(HTMLParser):
    """Every link, with the hash in its fragment."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._base = url
        self.found: list[Offer] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "base" and target:
            self._base = urljoin(self._base, target)
        elif tag == "a" and target:
            url, _, fragment = urljoin(self._base, target).partition("#")
            stated = _SHA256.search(fragment)
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            self.found.append(Offer(name, url, stated[1] if stated else None))
