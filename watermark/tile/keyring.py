"""Watermark secrets, each expanded into independent subkeys: one per purpose, and a pool of tiles.

A tile used on every image could be estimated by averaging images. A pool weakens that estimate by its number of keys.
A new epoch ends the use of a secret that was estimated or leaked, while its marks can still be read.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from watermark.errors import WatermarkError

MIN_SECRET_BYTES = 16
"""128 bits: a shorter secret would be the weakest link."""

_SALT = b"countermark/watermark/1"


DEFAULT_POOL = 4
"""Keys in a pool. An attacker who averages images has to separate them first; each key costs the reader time."""
MAX_POOL = 16
MAX_EPOCHS = 4
"""Epochs that are searched; the bound on false positives depends on it."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The subkeys of one secret, 32 bytes each. They are excluded from `repr`."""

    pattern: bytes = field(repr=False)
    """Selects the synchronisation frequencies, and the code symbol and sign of each other frequency."""
    phases: tuple[bytes, ...] = field(repr=False)
    """The pool: each key gives every frequency a different phase, hence a different tile. The first one is the key that
    was used before there were pools, so marks from that time can still be read."""
    check: bytes = field(repr=False)
    """Authenticates the payload, and selects each image's key in the pool."""

    def choose(self, mark_id: int) -> int:
        """The index of the pool's key for `mark_id`: uniformly distributed, and secret.

        If an image hides that key's mark, another key is used instead, so readers try all of them.
        """
        digest = hmac.digest(self.check, b"pool" + mark_id.to_bytes(8), hashlib.sha256)
        return int.from_bytes(digest[:8]) % len(self.phases)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key epochs of one installation, newest first: the newest is used to mark, all of them to read.

    Two keyrings are equal if and only if they mark and read in the same way.
    """

    epochs: tuple[Epoch, ...] = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes, *, pool: int = DEFAULT_POOL) -> Self:
        """A keyring of one epoch; see `from_secrets`."""
        return cls.from_secrets([secret], pool=pool)

    @classmethod
    def from_secrets(cls, secrets: Sequence[bytes], *, pool: int = DEFAULT_POOL) -> Self:
        """Derive the subkeys of each secret, newest first, by HKDF-SHA-256 (RFC 5869).

        Raises:
            WatermarkError: no secrets, too many, duplicates, one shorter than `MIN_SECRET_BYTES`, or a pool size
                outside 1 to `MAX_POOL`.
        """
        if not 1 <= len(secrets) <= MAX_EPOCHS:
            raise WatermarkError(
                f"There are {len(secrets)} watermark secrets; a keyring takes 1 to {MAX_EPOCHS}. "
                "Drop the oldest ones: images marked under them will no longer be recognised."
            )
        if not 1 <= pool <= MAX_POOL:
            raise WatermarkError(f"The pool has {pool} keys; it takes 1 to {MAX_POOL}.")
        if len(set(secrets)) != len(secrets):
            raise WatermarkError("A watermark secret was given twice; every epoch needs its own secret.")
        return cls(tuple(_epoch(secret, pool) for secret in secrets))


def _epoch(secret: bytes, pool: int) -> Epoch:
    if len(secret) < MIN_SECRET_BYTES:
        raise WatermarkError(
            f"The watermark secret has {len(secret)} bytes; use at least {MIN_SECRET_BYTES} random bytes."
        )
    root = hmac.digest(_SALT, secret, hashlib.sha256)
    names = (b"phases", *(b"phases %d" % number for number in range(1, pool)))
    phases = tuple(_expand(root, name) for name in names)
    return Epoch(pattern=_expand(root, b"pattern"), phases=phases, check=_expand(root, b"check"))


def _expand(root: bytes, info: bytes) -> bytes:
    """HKDF-Expand for one block (32 bytes)."""
    return hmac.digest(root, info + b"\x01", hashlib.sha256)
