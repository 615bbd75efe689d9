"""Where packages come from: the indexes and folders that pip and uv are configured to use, without either of them.

From their environment variables, and from pip's configuration files where a variable does not say.
"""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from platformdirs import site_config_path, user_config_path

PYPI = "https://pypi.org/simple"
_SECTIONS = ("global", "download")  # the second says more exactly what is done here
_YES = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True, slots=True)
class PackageSources:
    """`indexes`: addresses of simple indexes (PEP 503, 691), first ones first. `links`: folders, or pages with links to
    files. `certificates`: a PEM file of CAs to trust in place of the usual ones."""

    indexes: tuple[str, ...] = (PYPI,)
    links: tuple[str, ...] = ()
    certificates: str | None = None

    @classmethod
    def configured(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The sources of this machine's pip and uv."""
        env = os.environ if environment is None else environment
        pip = _pips_files(env) if env.get("PIP_CONFIG_FILE") != os.devnull else {}

        def said(*variables: str, option: str) -> str:
            return next((env[name] for name in variables if env.get(name)), pip.get(option, ""))

        default = said("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", option="index-url") or PYPI
        more = said("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL", option="extra-index-url").split()
        links = said("UV_FIND_LINKS", "PIP_FIND_LINKS", option="find-links").replace(",", " ").split()
        none = said("UV_NO_INDEX", "PIP_NO_INDEX", option="no-index").lower() in _YES
        indexes = () if none else tuple(map(_address, (default, *more)))
        certificates = said("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", option="cert") or None
        return cls(tuple(each.rstrip("/") for each in indexes), tuple(links), certificates)


def _address(index: str) -> str:
    """uv writes an index that has a name as `NAME=URL`."""
    name, equals, url = index.partition("=")
    return url if equals and "/" not in name else index


def _pips_files(env: Mapping[str, str]) -> dict[str, str]:
    """The options of pip's configuration files, later files over earlier ones; unreadable files are left out."""
    options: dict[str, str] = {}
    for path in (*_own_files(), *([Path(env["PIP_CONFIG_FILE"])] if env.get("PIP_CONFIG_FILE") else [])):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in _SECTIONS:
            options |= dict(parser[section]) if parser.has_section(section) else {}
    return options


def _own_files() -> Iterator[Path]:
    """Where pip looks: the machine's, the user's, and the virtual environment's."""
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    yield site_config_path("pip", appauthor=False) / name
    yield Path("/etc") / name
    yield Path.home() / ".pip" / name
    yield user_config_path("pip", appauthor=False) / name
    yield Path.home() / ".config" / "pip" / name
    yield Path(sys.prefix) / name
