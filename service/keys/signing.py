"""The installation's keys, generated at first start unless configured: watermark, signing, vault, receipts and log."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.keys.mark_keys import digest_secret, mark_secrets
from service.keys.vault import Vault
from service.kit import home
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from watermark import Codec, Keyring
from watermark.c2pa.credentials import CredentialError, Credentials, TrustList
from watermark.c2pa.pki import Pki, make_development_pki
from watermark.errors import WatermarkError

DEVELOPMENT = "development"
OPERATOR = "operator"
_PKI_FILE = "keys/development-pki.pem"
_VAULT_FILE = "keys/vault.key"
_RECEIPT_FILE = "keys/receipts.key"
_LOG_FILE = "keys/log.key"


def codec(settings: Settings) -> Codec:
    """The watermark codec: embeds under the newest secret, reads under all of them. Raises Misconfigured."""
    try:
        return Codec(Keyring.from_secrets(mark_secrets(settings), pool=settings.watermark_key_pool))
    except WatermarkError as wrong:
        raise Misconfigured(f"the watermark's secret cannot be used: {wrong}") from wrong


def prompt_digester(settings: Settings) -> Callable[[str], str]:
    """Keyed digests (HMAC-SHA-256, hex) of prompts: a plain hash of a short prompt can be guessed."""
    key = digest_secret(settings)
    return lambda prompt: hmac.digest(key, prompt.encode(), hashlib.sha256).hex()


def vault(settings: Settings) -> Vault:
    """The vault that encrypts personal text, under its own key. Raises Misconfigured if the key file is not usable."""
    return Vault(home.secret(home.prepare(settings.home) / _VAULT_FILE))


def receipt_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs consent receipts. Raises Misconfigured if its file is not usable."""
    return _ed25519_key(settings, _RECEIPT_FILE)


def log_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs the audit log's checkpoints. Raises Misconfigured if its file is not usable."""
    return _ed25519_key(settings, _LOG_FILE)


def _ed25519_key(settings: Settings, name: str) -> Ed25519PrivateKey:
    """The key in a file of the home folder; it is made at first use."""
    seed = home.secret(home.prepare(settings.home) / name)
    try:
        return Ed25519PrivateKey.from_private_bytes(seed)
    except ValueError as malformed:
        raise Misconfigured(f"{name} in the home folder is not a 32-byte Ed25519 key") from malformed


def credentials(settings: Settings) -> Credentials:
    """Signer and verifier for Content Credentials: the operator's certificates, or the development PKI.

    Raises:
        Misconfigured: a configured file is missing or not valid.
    """
    trust = []
    if settings.trust_anchors:
        trust.append(TrustList(OPERATOR, _certificates(settings.trust_anchors)))
    if settings.signing_certificates and settings.signing_key:
        chain = _certificates(settings.signing_certificates)
        key = home.read_private(settings.signing_key)
        _check_pair(chain, key, settings.signing_key)
        return _credentials(chain, key, settings.signing_algorithm, trust)
    pki = _development_pki(settings.home / _PKI_FILE)
    return _credentials(pki.chain, pki.key, "es256", [*trust, TrustList(DEVELOPMENT, pki.root)])


def _credentials(chain: bytes, key: bytes, algorithm: str, trust: list[TrustList]) -> Credentials:
    try:
        return Credentials(chain, key, algorithm, trust)
    except CredentialError as wrong:
        raise Misconfigured(str(wrong)) from wrong


def _check_pair(chain: bytes, key: bytes, path: Path) -> None:
    """Fail at start-up, not at the first image, if the key does not belong to the certificate."""
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as malformed:
        raise Misconfigured(f"{path} does not contain an unencrypted PEM private key") from malformed
    leaf = x509.load_pem_x509_certificates(chain)[0]
    if leaf.public_key() != private.public_key():
        raise Misconfigured(f"{path} does not match the first certificate in the chain")


def _certificates(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        x509.load_pem_x509_certificates(data)
    except OSError as gone:
        raise Misconfigured(f"{path} cannot be read: {gone.strerror}") from gone
    except ValueError as malformed:
        raise Misconfigured(f"{path} does not contain PEM certificates") from malformed
    return data


def _development_pki(path: Path) -> Pki:
    """The PKI in `path`, generated at first use. It is one file, so a crash cannot leave half of it."""
    if not path.exists():
        made = make_development_pki()
        home.create(path, made.key + made.chain + made.root)
    data = home.read_private(path)
    try:
        key = serialization.load_pem_private_key(data, None)
        certificates = x509.load_pem_x509_certificates(data)
        leaf, issuing, root = [c.public_bytes(serialization.Encoding.PEM) for c in certificates]
    except ValueError as malformed:
        raise Misconfigured(f"{path} is damaged; remove it to generate a new one") from malformed
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pki(chain=leaf + issuing, key=pem, root=root)
