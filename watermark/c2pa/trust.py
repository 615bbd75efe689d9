"""Named trust lists: whose signatures, time-stamps and identities count, and by which list.

A list is a dated file of CA certificates (PEM) that the operator chose. One TOML file names them all:

    [[list]]
    name = "c2pa-2026-08"            # reports show this name
    kind = "manifest"                # claim signers; `tsa`: time-stamps; `cawg`: identities
    file = "c2pa-2026-08.pem"        # relative to the TOML file
    sha256 = "..."                   # of that file; another file is refused
    date = 2026-08-01                # of the snapshot
    frozen = false                   # true: the publisher no longer maintains it, as the interim list
    ekus = ["1.3.6.1.4.1.62558.2.1"] # extended key usages that may sign; unset: those of C2PA
    allowed_leaves = "leaves.pem"    # certificates that count without their CA; optional

The SDK accepts unknown keys in silence, so everything is checked here.
"""

import datetime as dt
import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from watermark.c2pa.profile import CLAIM_PURPOSES

Kind = Literal["manifest", "tsa", "cawg"]

CLAIM_EKUS = tuple(purpose.dotted_string for purpose in CLAIM_PURPOSES)
TSA_EKUS = ("1.3.6.1.5.5.7.3.8",)  # timeStamping
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){2,}")
_FIELDS = {"name", "kind", "file", "sha256", "date", "frozen", "ekus", "allowed_leaves"}


class TrustListError(ValueError):
    """A trust list cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class TrustList:
    """CA certificates (PEM) under the `name` that reports show for what chains to one of them.

    `allowed_leaves`: end-entity certificates (PEM) that count by themselves. `ekus`: extended key usages (OIDs) that an
    end-entity certificate may have.
    """

    name: str
    pem: bytes
    kind: Kind = "manifest"
    ekus: tuple[str, ...] = CLAIM_EKUS
    allowed_leaves: bytes = b""
    date: dt.date | None = None
    frozen: bool = False

    @property
    def uri(self) -> str:
        return f"urn:countermark:trust:{self.name}"

    def certificates(self) -> list[x509.Certificate]:
        """The CA certificates."""
        return x509.load_pem_x509_certificates(self.pem)


def load(path: Path) -> tuple[TrustList, ...]:
    """The lists that a TOML file names, in its order.

    Raises:
        TrustListError: the file or a list that it names is missing, altered, or not valid.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as gone:
        raise TrustListError(f"{path} cannot be read: {gone.strerror}") from gone
    except ValueError as malformed:
        raise TrustListError(f"{path} is not valid TOML: {malformed}") from malformed
    entries = document.get("list", [])
    if set(document) - {"list"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise TrustListError(f"{path} must contain nothing but [[list]] tables")
    lists = tuple(_list(entry, path.parent) for entry in entries)
    names = [each.name for each in lists]
    for name in names:
        if names.count(name) > 1:
            raise TrustListError(f"two lists are named {name}")
    return lists


def entry(listed: TrustList, file: str) -> str:
    """A list as a TOML table that `load` reads. `file`: where its PEM stands, relative to the TOML file."""
    return (
        f'\n[[list]]\nname = "{listed.name}"\nkind = "{listed.kind}"\nfile = "{file}"\n'
        f'sha256 = "{hashlib.sha256(listed.pem).hexdigest()}"\ndate = {listed.date}\n'
        + ("frozen = true\n" if listed.frozen else "")
    )


def _list(fields: dict[str, Any], folder: Path) -> TrustList:
    name = fields.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TrustListError("a list has no valid name: use lower-case letters, digits, dots and dashes")
    if unknown := sorted(set(fields) - _FIELDS):
        raise TrustListError(f"list {name} has unknown fields: {', '.join(unknown)}")
    kind: Kind | None = next((each for each in get_args(Kind) if each == fields.get("kind")), None)
    if kind is None:
        raise TrustListError(f"list {name} has kind {fields.get('kind')!r}; use manifest, tsa or cawg")
    date, frozen, ekus = fields.get("date"), fields.get("frozen", False), fields.get("ekus")
    if not isinstance(date, dt.date):
        raise TrustListError(f"list {name} has no date; write it as 2026-08-01")
    if not isinstance(frozen, bool):
        raise TrustListError(f"list {name}: frozen must be true or false")
    if ekus is not None and not _oids(ekus):
        raise TrustListError(f"list {name}: ekus must be a list of OIDs such as 1.3.6.1.5.5.7.3.4")
    pem = _file(name, "file", fields, folder)
    if hashlib.sha256(pem).hexdigest() != str(fields.get("sha256", "")).lower():
        raise TrustListError(f"list {name}: the file does not have the SHA-256 that is named for it")
    leaves = _only_certificates(_file(name, "allowed_leaves", fields, folder)) if "allowed_leaves" in fields else b""
    default = TSA_EKUS if kind == "tsa" else CLAIM_EKUS
    return TrustList(name, _only_certificates(pem), kind, tuple(ekus) if ekus else default, leaves, date, frozen)


def _oids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and _OID.fullmatch(each) for each in value)


def _file(name: str, key: str, fields: dict[str, Any], folder: Path) -> bytes:
    """A PEM file with at least one certificate."""
    path = folder / str(fields.get(key, ""))
    try:
        data = path.read_bytes()
        x509.load_pem_x509_certificates(data)
    except OSError as gone:
        raise TrustListError(f"list {name}: {path} cannot be read: {gone.strerror}") from gone
    except ValueError as malformed:
        raise TrustListError(f"list {name}: {path} does not contain PEM certificates") from malformed
    return data


def _only_certificates(pem: bytes) -> bytes:
    """The certificates of a PEM file; whatever else it holds, such as comments, does not reach the SDK."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in x509.load_pem_x509_certificates(pem))
