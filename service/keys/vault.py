"""Personal text, encrypted at rest so that deleting a 60-byte key erases it for good (crypto-shredding).

Each record has its own random key (AES-256-GCM), stored beside it and wrapped by the installation's key. Without the
wrapped key nobody can read the record, not even with the installation's key. This holds for the live database; a
backup from before the deletion still contains the wrapped key.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.kit.errors import Misconfigured

_KEY_BYTES = 32
_NONCE_BYTES = 12  # random is safe: a data key encrypts few times, the vault's key once per record


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as stored: its wrapped key and its encrypted content, each nonce + ciphertext + tag."""

    wrapped_key: bytes
    box: bytes


class Vault:
    """Encrypts and decrypts records under the installation's 32-byte key. `label` binds a record to its row."""

    def __init__(self, key: bytes) -> None:
        """Raises Misconfigured unless the key has 32 bytes."""
        if len(key) != _KEY_BYTES:
            raise Misconfigured(f"the vault key has {len(key)} bytes, not {_KEY_BYTES}")
        self._key = key

    def seal(self, fields: Mapping[str, str], label: str) -> Sealed:
        """Encrypt `fields` under a new key."""
        return self.lock(_text(fields), label)

    def lock(self, data: bytes, label: str) -> Sealed:
        """Encrypt `data` under a new key."""
        key = secrets.token_bytes(_KEY_BYTES)
        return Sealed(_encrypt(self._key, key, f"key {label}"), _encrypt(key, data, label))

    def reseal(self, sealed: Sealed, fields: Mapping[str, str], label: str) -> Sealed:
        """Replace the content under the record's existing key. Raises Misconfigured as `open`."""
        return Sealed(sealed.wrapped_key, _encrypt(self._data_key(sealed, label), _text(fields), label))

    def open(self, sealed: Sealed, label: str) -> dict[str, str]:
        """Decrypt. Raises Misconfigured if the vault's key is a different one, or the record was changed."""
        fields: dict[str, str] = json.loads(self.unlock(sealed, label))
        return fields

    def unlock(self, sealed: Sealed, label: str) -> bytes:
        """Decrypt the bytes given to `lock`. Raises Misconfigured as `open`."""
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
            "a sealed record cannot be decrypted: the vault key is a different one, or the record was changed",
            hint="Restore keys/vault.key in the home folder from your backup.",
        ) from wrong
