"""Personal text, encrypted at rest so that deleting a 60-byte key erases it for good (crypto-shredding).

Each record has its own random key (AES-256-GCM), stored beside it and wrapped by the installation's key. Without the
wrapped key nobody can read the record, not even with the installation's key. This holds for the live database; a
backup from before the deletion still contains the wrapped key.

While the installation's key is being replaced there are two (`service.keys.vault_keys`): the newer wraps, both unwrap.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.kit.errors import Misconfigured

KEY_BYTES = 32
_NONCE_BYTES = 12  # random is safe: a data key encrypts few times, the vault's key once per record


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as stored: its wrapped key and its encrypted content, each nonce + ciphertext + tag."""

    wrapped_key: bytes
    box: bytes


class Vault:
    """Encrypts and decrypts records under the installation's 32-byte key. `label` binds a record to its row."""

    def __init__(self, key: bytes | Callable[[], Sequence[bytes]]) -> None:
        """One key, or what gives the keys at each use, newest first. Raises Misconfigured unless a key has 32 bytes."""
        if isinstance(key, bytes) and len(key) != KEY_BYTES:
            raise Misconfigured(f"the vault key has {len(key)} bytes, not {KEY_BYTES}")
        self._keys: Callable[[], Sequence[bytes]] = (lambda: (key,)) if isinstance(key, bytes) else key

    def seal(self, fields: Mapping[str, str], label: str) -> Sealed:
        """Encrypt `fields` under a new key."""
        return self.lock(_text(fields), label)

    def lock(self, data: bytes, label: str) -> Sealed:
        """Encrypt `data` under a new key."""
        key = secrets.token_bytes(KEY_BYTES)
        return Sealed(_encrypt(self._keys()[0], key, f"key {label}"), _encrypt(key, data, label))

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

    def new_key(self, label: str) -> bytes:
        """The wrapped key of a new record that has several parts; `lock_part` and `unlock_part` work under it."""
        return _encrypt(self._keys()[0], secrets.token_bytes(KEY_BYTES), f"key {label}")

    def lock_part(self, wrapped_key: bytes, label: str, part: str, data: bytes) -> bytes:
        """Encrypt one part of a record. Raises Misconfigured as `open`."""
        return _encrypt(self._unwrapped(wrapped_key, label), data, f"{label} {part}")

    def unlock_part(self, wrapped_key: bytes, label: str, part: str, box: bytes) -> bytes:
        """Decrypt what `lock_part` encrypted. Raises Misconfigured as `open`."""
        return _decrypt(self._unwrapped(wrapped_key, label), box, f"{label} {part}")

    def rewrap(self, wrapped_key: bytes, label: str) -> bytes | None:
        """A record's key under the newest key of the vault; None if that wraps it already. The record stays as it is.

        Raises Misconfigured if no key of the vault opens it.
        """
        newest = self._keys()[0]
        if _opens(newest, wrapped_key, f"key {label}") is not None:
            return None
        return _encrypt(newest, self._unwrapped(wrapped_key, label), f"key {label}")

    def _data_key(self, sealed: Sealed, label: str) -> bytes:
        return self._unwrapped(sealed.wrapped_key, label)

    def _unwrapped(self, wrapped_key: bytes, label: str) -> bytes:
        """Tries the keys in turn: AES-GCM authenticates, so a wrong one does not go unnoticed."""
        tried = (_opens(key, wrapped_key, f"key {label}") for key in self._keys())
        found = next((data_key for data_key in tried if data_key is not None), None)
        if found is None:
            raise _unreadable()
        return found


def key_id(key: bytes) -> str:
    """16 hex digits that name a vault key in the ledger. They tell nothing about it: it has 256 random bits."""
    return hashlib.sha256(b"countermark vault key " + key).hexdigest()[:16]


def _text(fields: Mapping[str, str]) -> bytes:
    return json.dumps(fields).encode()


def _encrypt(key: bytes, plain: bytes, label: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, label.encode())


def _decrypt(key: bytes, box: bytes, label: str) -> bytes:
    plain = _opens(key, box, label)
    if plain is None:
        raise _unreadable()
    return plain


def _opens(key: bytes, box: bytes, label: str) -> bytes | None:
    """The content, or None where it was encrypted under another key or label, or was changed."""
    try:
        return AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError):
        return None


def _unreadable() -> Misconfigured:
    return Misconfigured(
        "a sealed record cannot be decrypted: the vault key is a different one, or the record was changed",
        hint="Restore keys/vault.key in the home folder from your backup.",
    )
