"""The development PKI in the home folder: made at first start, its leaf renewed before it expires.

`keys/development-pki.pem` is one file, so a crash cannot leave half of it: the leaf's key, the issuing CA's key, then
leaf, issuing CA and root. `keys/development-roots.pem` holds the roots of earlier ones, whose images stay trusted.
"""

import datetime as dt
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from service.kit import home
from service.kit.errors import Misconfigured
from watermark.c2pa.pki import LEAF_DAYS, Pki, make_development_pki, renewed

FILE = "keys/development-pki.pem"
_ROOTS = "keys/development-roots.pem"
_LOCK = "keys/development-pki.lock"
_RENEW_DAYS = 30
_PEM_KEY = re.compile(rb"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----\n", re.DOTALL)


def development_pki(folder: Path, now: dt.datetime) -> Pki:
    """The PKI of this home folder, made at first use; its leaf is renewed from 30 days before it expires.

    Raises:
        Misconfigured: the file is damaged or readable by others.
    """
    path = folder / FILE
    if not path.exists():
        home.create(path, _text(make_development_pki()))
    pki = _read(path)
    return _renew(folder, now) if _is_due(pki, now) else pki


def rotate(folder: Path, *, distrust_old: bool = False) -> Pki:
    """A new PKI, root included. Images signed under the old one stay trusted, unless `distrust_old`.

    Raises Misconfigured as `development_pki`.
    """
    with home.exclusive(folder / _LOCK):
        path = folder / FILE
        made = make_development_pki()
        if distrust_old:
            (folder / _ROOTS).unlink(missing_ok=True)
        elif path.exists():
            _keep_root(folder, _read(path).root)
        home.replace(path, _text(made))
        return made


def roots(folder: Path) -> bytes:
    """The roots (PEM) of every development PKI this installation has signed with; empty if there was none."""
    path = folder / FILE
    current = _read(path).root if path.exists() else b""
    return current + _old_roots(folder)


def _renew(folder: Path, now: dt.datetime) -> Pki:
    with home.exclusive(folder / _LOCK):
        path = folder / FILE
        pki = _read(path)
        if not _is_due(pki, now):  # another process was faster
            return pki
        if pki.issuing_key and _outlives_leaf(pki, now):
            new = renewed(pki)
        else:  # made by version 0.1, which kept no key to renew it with, or ten years old
            _keep_root(folder, pki.root)
            new = make_development_pki()
        home.replace(path, _text(new))
        return new


def _is_due(pki: Pki, now: dt.datetime) -> bool:
    """The leaf ends soon, or was made to last longer than a year."""
    leaf = x509.load_pem_x509_certificate(pki.chain)
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    return leaf.not_valid_after_utc - now < dt.timedelta(days=_RENEW_DAYS) or lifetime > dt.timedelta(LEAF_DAYS + 1)


def _outlives_leaf(pki: Pki, now: dt.datetime) -> bool:
    """The issuing CA is valid for longer than the next leaf."""
    issuing = x509.load_pem_x509_certificates(pki.chain)[1]
    return issuing.not_valid_after_utc - now > dt.timedelta(days=LEAF_DAYS)


def _keep_root(folder: Path, root: bytes) -> None:
    kept = _old_roots(folder)
    if root not in kept:
        home.replace(folder / _ROOTS, root + kept)


def _old_roots(folder: Path) -> bytes:
    path = folder / _ROOTS
    return home.read_private(path) if path.exists() else b""


def _text(pki: Pki) -> bytes:
    return pki.key + pki.issuing_key + pki.chain + pki.root


def _read(path: Path) -> Pki:
    data = home.read_private(path)
    try:
        key, issuing_key = [*_PEM_KEY.findall(data), b""][:2]
        serialization.load_pem_private_key(key, None)
        leaf, issuing, root = [
            each.public_bytes(serialization.Encoding.PEM) for each in x509.load_pem_x509_certificates(data)
        ]
    except ValueError as malformed:
        raise Misconfigured(f"{path} is damaged; remove it to generate a new one") from malformed
    return Pki(chain=leaf + issuing, key=key, root=root, issuing_key=issuing_key)
