"""What signs Content Credentials: the operator's key, wherever it is held, or the development PKI.

A key is a PEM file, a PKCS#12 file, on a device (PKCS#11), or with a service that a plug-in calls.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from service.keys.development_pki import development_pki
from service.kit import home
from service.kit.clock import utc_now
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from watermark.c2pa import trial
from watermark.c2pa.credentials import CredentialError, Credentials
from watermark.c2pa.profile import validity
from watermark.c2pa.signers import CallbackSigner, KeySigner, Signer, SignerError, chain_of, check_key, public_key_of

PLUGINS = "countermark.signers"
"""Entry points: each a function without arguments that returns one from the bytes to sign to the signature."""

WARN_DAYS = 30
"""Days before the signing certificate expires from which logs, readiness and `countermark keys` warn."""

Source = Literal["development", "files", "pkcs12", "pkcs11", "plugin"]


@dataclass(frozen=True, slots=True)
class SigningStatus:
    """What signs, and until when."""

    source: Source
    algorithm: str
    subject: str
    issuer: str
    not_after: dt.datetime
    days_left: int
    timestamp_url: str | None

    @property
    def warning(self) -> str | None:
        """What the operator should know soon."""
        if self.days_left >= WARN_DAYS or self.source == "development":  # which renews itself at the next start
            return None
        if self.days_left < 0:
            return f"the signing certificate expired on {self.not_after:%Y-%m-%d}: nothing can be released"
        return f"the signing certificate expires on {self.not_after:%Y-%m-%d}, in {self.days_left} days"


def source_of(settings: Settings) -> Source:
    """Where the settings say the key is."""
    if settings.signing_pkcs12:
        return "pkcs12"
    if settings.signing_pkcs11_module:
        return "pkcs11"
    if settings.signing_plugin:
        return "plugin"
    return "files" if settings.signing_certificates else "development"


def open_signer(settings: Settings) -> Signer:
    """The signer that the settings name.

    Raises:
        Misconfigured: a file cannot be read, is readable by others or holds something else, the device or plug-in does
            not open, or key and certificate do not belong together.
    """
    try:
        return _OPENERS[source_of(settings)](settings)
    except SignerError as wrong:
        raise Misconfigured(
            f"the signing key cannot be used: {wrong}",
            hint="docs/signing.md explains the settings.",
        ) from wrong


def status(credentials: Credentials, settings: Settings, now: dt.datetime) -> SigningStatus:
    """What `credentials` sign with, as of `now`."""
    signer = credentials.signer.signer
    told = validity(signer.chain)
    return SigningStatus(
        source_of(settings),
        signer.algorithm,
        told.subject,
        told.issuer,
        told.not_after,
        told.days_left(now),
        settings.timestamp_url,
    )


def check(credentials: Credentials, settings: Settings, now: dt.datetime) -> SigningStatus:
    """Make a trial signature. Called before anything is generated.

    Raises:
        Misconfigured: the certificate has expired, is not valid yet or must not sign claims, or the key does not sign
            for it.
    """
    try:
        trial.check(credentials, now)
    except CredentialError as wrong:
        raise Misconfigured(
            f"Content Credentials cannot be signed: {wrong}",
            hint="Nothing is generated until this is mended; docs/signing.md explains how. `countermark keys check` "
            "tries it again.",
        ) from wrong
    return status(credentials, settings, now)


def certificates(path: Path) -> bytes:
    """The PEM certificates in a file. Raises Misconfigured if there are none."""
    try:
        data = path.read_bytes()
        chain_of(data)
    except OSError as gone:
        raise Misconfigured(f"{path} cannot be read: {gone.strerror}") from gone
    except SignerError as malformed:
        raise Misconfigured(f"{path} does not contain PEM certificates") from malformed
    return data


def _development(settings: Settings) -> Signer:
    pki = development_pki(settings.home, utc_now())
    return KeySigner(pki.chain, pki.key, "es256")


def _files(settings: Settings) -> Signer:
    path = _given(settings.signing_key)
    chain, key = certificates(_given(settings.signing_certificates)), home.read_private(path)
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as malformed:
        raise Misconfigured(f"{path} does not contain an unencrypted PEM private key") from malformed
    if public_key_of(chain_of(chain)) != private.public_key():
        raise Misconfigured(f"{path} does not match the first certificate in the chain")
    return KeySigner(chain, private, settings.signing_algorithm)


def _pkcs12(settings: Settings) -> Signer:
    path = _given(settings.signing_pkcs12)
    data, password = home.read_private(path), _password(settings)
    try:
        found = pkcs12.load_pkcs12(data, password)
    except (ValueError, TypeError) as malformed:
        raise Misconfigured(
            f"{path} cannot be opened: it is not PKCS#12, or the password is another",
            hint="Put the password alone into the file named by COUNTERMARK_SIGNING_PASSWORD_FILE.",
        ) from malformed
    if found.key is None or found.cert is None:
        raise Misconfigured(f"{path} does not hold a private key with its certificate")
    ordered = [found.cert.certificate, *(each.certificate for each in found.additional_certs)]
    chain = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in _without_root(ordered))
    return KeySigner(chain, found.key, settings.signing_algorithm)


def _without_root(found: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and its issuers, each after what it issued; files hold them in any order. The root stays out."""
    chain, rest = [found[0]], found[1:]
    while issuer := next((each for each in rest if each.subject == chain[-1].issuer), None):
        rest.remove(issuer)
        if issuer.subject == issuer.issuer:
            break
        chain.append(issuer)
    return chain


def _pkcs11(settings: Settings) -> Signer:
    from service.keys import pkcs11  # noqa: PLC0415 - the library is an extra

    chain = chain_of(certificates(_given(settings.signing_certificates)))
    check_key(public_key_of(chain), settings.signing_algorithm)
    key = pkcs11.Location(
        _given(settings.signing_pkcs11_module), settings.signing_pkcs11_token, settings.signing_pkcs11_key
    )
    sign = pkcs11.open_key(key, _password(settings), settings.signing_algorithm)
    return CallbackSigner(chain, settings.signing_algorithm, sign)


def _plugin(settings: Settings) -> Signer:
    chain = chain_of(certificates(_given(settings.signing_certificates)))
    check_key(public_key_of(chain), settings.signing_algorithm)
    found = list(entry_points(group=PLUGINS, name=str(settings.signing_plugin)))
    if len(found) != 1:
        raise Misconfigured(
            f"{len(found)} installed packages offer the signer {settings.signing_plugin}",
            hint=f"Install one package with this entry point in the group {PLUGINS}.",
        )
    try:
        sign = found[0].load()()
    except Exception as broken:
        raise Misconfigured(
            f"the signer {settings.signing_plugin} does not start ({type(broken).__name__}: {broken})"
        ) from broken
    return CallbackSigner(chain, settings.signing_algorithm, sign)


def _password(settings: Settings) -> bytes | None:
    if settings.signing_password_file is None:
        return None
    return home.read_private(settings.signing_password_file).rstrip(b"\r\n")


def _given(path: Path | None) -> Path:
    if path is None:
        raise Misconfigured("the settings of the signing key are not complete", hint="See docs/signing.md.")
    return path


_OPENERS: dict[Source, Callable[[Settings], Signer]] = {
    "development": _development,
    "files": _files,
    "pkcs12": _pkcs12,
    "pkcs11": _pkcs11,
    "plugin": _plugin,
}
