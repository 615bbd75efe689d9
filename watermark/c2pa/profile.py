"""Whether a certificate chain may sign claims (C2PA 2.4, section 14.5), checked before anything is signed with it."""

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

T = TypeVar("T", bound=x509.ExtensionType)

C2PA_CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
MICROSOFT_DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.4.1.311.76.59.1.9")  # on the interim trust list

CLAIM_PURPOSES = (
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    DOCUMENT_SIGNING,
    MICROSOFT_DOCUMENT_SIGNING,
    C2PA_CLAIM_SIGNING,
)
"""Extended key usages that may sign claims."""

_FORBIDDEN = (
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.OCSP_SIGNING,
    ExtendedKeyUsageOID.TIME_STAMPING,
)


class CertificateError(Exception):
    """A chain that must not sign; the message says why."""


@dataclass(frozen=True, slots=True)
class Validity:
    """Whose certificate it is, and from when until when it signs."""

    subject: str
    issuer: str
    not_before: dt.datetime
    not_after: dt.datetime

    def days_left(self, now: dt.datetime) -> int:
        """Whole days until it expires, negative afterwards."""
        return (self.not_after - now).days


def validity(chain: Sequence[bytes]) -> Validity:
    """The leaf's, of a chain of DER certificates."""
    leaf = x509.load_der_x509_certificate(chain[0])
    return Validity(
        leaf.subject.rfc4514_string(), leaf.issuer.rfc4514_string(), leaf.not_valid_before_utc, leaf.not_valid_after_utc
    )


def check_validity(chain: Sequence[bytes], now: dt.datetime) -> None:
    """Raises CertificateError if a certificate of the chain has expired, or is not valid yet."""
    for der in chain:
        one = x509.load_der_x509_certificate(der)
        if one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            continue
        name = one.subject.rfc4514_string()
        if now > one.not_valid_after_utc:
            raise CertificateError(f"the certificate of {name} expired on {one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        raise CertificateError(
            f"the certificate of {name} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        )


def check_chain(chain: Sequence[bytes]) -> None:
    """Raises CertificateError if the leaf must not sign claims, or a certificate was not issued by the next."""
    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    for one, issuer in itertools.pairwise(certificates):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as other:
            raise CertificateError(
                f"{one.subject.rfc4514_string()} was not issued by the certificate after it: the leaf comes first, "
                "then each certificate's issuer"
            ) from other
    try:
        _check_leaf(certificates[0])
    except ValueError as malformed:
        raise CertificateError("the first certificate's extensions cannot be read") from malformed


def _check_leaf(leaf: x509.Certificate) -> None:
    extensions = leaf.extensions
    basic = _find(extensions, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise CertificateError("the first certificate is a CA's; the leaf, which signs, must come first")
    usage = _find(extensions, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise CertificateError("the first certificate has no key usage digitalSignature")
    if usage.key_cert_sign:
        raise CertificateError("the first certificate may sign certificates (keyCertSign); a leaf must not")
    if _find(extensions, x509.AuthorityKeyIdentifier) is None:
        raise CertificateError("the first certificate has no authority key identifier")
    _check_purposes(_find(extensions, x509.ExtendedKeyUsage))


def _check_purposes(purposes: x509.ExtendedKeyUsage | None) -> None:
    told = list(purposes or ())
    names = ", ".join(getattr(each, "_name", "") or each.dotted_string for each in told) or "none"
    forbidden = any(each in _FORBIDDEN for each in told)
    if forbidden or not any(each in CLAIM_PURPOSES for each in told):
        raise CertificateError(
            f"the first certificate is for {names}, not for signing claims: its extended key usage must be "
            "emailProtection, documentSigning or C2PA claim signing, and none of those for servers, clients, code, "
            "OCSP or time-stamps"
        )


def _find(extensions: x509.Extensions, kind: type[T]) -> T | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
