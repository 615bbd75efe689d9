"""The installation's keys, generated at first start unless configured: watermark, signing, vault, receipts and log."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.keys import development_pki
from service.keys.claim_signer import certificates, open_signer
from service.keys.mark_keys import digest_secret, mark_secrets
from service.keys.vault import Vault
from service.keys.vault_keys import VAULT_FILE, VaultKeys
from service.kit import home
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from watermark import Codec, Keyring
from watermark.c2pa.credentials import CredentialError, Credentials, TrustList
from watermark.c2pa.timestamps import TimestampAuthority
from watermark.c2pa.trust import TrustListError, load
from watermark.errors import WatermarkError

DEVELOPMENT = "development"
OPERATOR = "operator"
_RECEIPT_FILE = "keys/receipts.key"
_LOG_FILE = "keys/log.key"


def exist(home_folder: Path) -> bool:
    """The home folder has the keys that every installation makes when it is first opened."""
    return any((home_folder / name).exists() for name in (VAULT_FILE, _RECEIPT_FILE))


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
    keys = VaultKeys(home.prepare(settings.home))
    keys.current()
    return Vault(keys.current)


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
        Misconfigured: a configured file is missing or not valid, or the key cannot be opened.
    """
    signer = open_signer(settings)
    trust = []
    if settings.trust_anchors:
        trust.append(TrustList(OPERATOR, certificates(settings.trust_anchors)))
    trust += trust_lists(settings)
    if roots := development_pki.roots(settings.home):  # also what it signed before the operator had certificates
        trust.append(TrustList(DEVELOPMENT, roots))
    stamper = TimestampAuthority(settings.timestamp_url, settings.timestamp_timeout) if settings.timestamp_url else None
    try:
        return Credentials.of(signer, trust, stamper, require_timestamp=settings.timestamp_required)
    except CredentialError as wrong:
        raise Misconfigured(str(wrong)) from wrong


def trust_lists(settings: Settings) -> list[TrustList]:
    """The operator's named trust lists. Raises Misconfigured if their file, or a list that it names, is not usable."""
    if settings.trust_lists is None:
        return []
    try:
        lists = list(load(settings.trust_lists))
    except TrustListError as wrong:
        raise Misconfigured(str(wrong), hint="`countermark trust check` checks the lists.") from wrong
    if own := {each.name for each in lists} & {OPERATOR, DEVELOPMENT}:
        raise Misconfigured(f"a trust list may not be named {own.pop()}", hint="Choose another name.")
    return lists
