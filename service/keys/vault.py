"""Personal words, encrypted at rest so that deleting a key of 60 bytes deletes them for good.

Each record has a random key of its own (AES-256-GCM), kept beside it, wrapped by the installation's key. Without the
wrapped key nobody can read the record, not even with the installation's key: crypto-shredding. That holds for the
database itself; a backup from before the deletion still has the wrapped key.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.kit.errors import Misconfigured

_KEY_BYTES = 32
_NONCE_BYTES = 12  # random: each data key seals a record a few times, the vault's key wraps once a record


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it is stored: its own key, wrapped, and its encrypted text; both are nonce + ciphertext + tag."""

    wrapped_key: bytes
    box: bytes


class Vault:
    """Seals and opens records under the installation's key (32 bytes). `label` binds a box to its row."""

    def __init__(self, key: bytes) -> None:
        """Raises Misconfigured if the key has not 32 bytes."""
        if len(key) != _KEY_BYTES:
            raise Misconfigured(f"the vault's key has {len(key)} bytes instead of {_KEY_BYTES}")
        self._key = key

    def seal(self, fields: Mapping[str, str], label: str) -> Sealed:
        """Encrypt under a new key."""
        return self.lock(_text(fields), label)

    def lock(self, data: bytes, label: str) -> Sealed:
        """Encrypt bytes under a new key."""
        key = secrets.token_bytes(_KEY_BYTES)
        return Sealed(_encrypt(self._key, key, f"key {label}"), _encrypt(key, data, label))

    def reseal(self, sealed: Sealed, fields: Mapping[str, str], label: str) -> Sealed:
        """Replace the text under the record's own key. Raises Misconfigured as `open`."""
        return Sealed(sealed.wrapped_key, _encrypt(self._data_key(sealed, label), _text(fields), label))

    def open(self, sealed: Sealed, label: str) -> dict[str, str]:
        """Decrypt. Raises Misconfigured if the key in the home folder is another one, or the record was changed."""
        fields: dict[str, str] = json.loads(self.unlock(sealed, label))
        return fields

    def unlock(self, sealed: Sealed, label: str) -> bytes:
        """The bytes that were locked. Raises Misconfigured as `open`."""
        return _decrypt(self._data_key(sealed, label), sealed.box, label)

    def _data_key(self, sealed: Sealed, label: str) -> bytes:
        return _decrypt(self._key, sealed.wrapped_key, f"key {label}")


def _text(fields: Mapping[str, str]) -> bytes:
    return json.dumps(fields).encode()


def _encrypt(key: bytes, plain: bytes, label: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, label.encode())


def _decrypt(key: bytes, box: bytes, label: str) -> bytes:
    try:
        return AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError) as wrong:
        raise Misconfigured(
            "a sealed record cannot be opened: the vault's key is another one, or the record was changed",
            hint="Restore keys/vault.key in the home folder from your backup.",
        ) from wrong
