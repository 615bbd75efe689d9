"""The secrets behind the marks, each split into independent subkeys: one for each use, and a pool of tiles.

One tile on every picture could be estimated by averaging pictures. A pool makes that estimate as much weaker as it has
keys; a new epoch ends the use of a secret that was estimated or leaked, while its marks are still read.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from watermark.errors import WatermarkError

MIN_SECRET_BYTES = 16
"""128 bits: below that the secret, not the mark, would be the easiest thing to guess."""

_SALT = b"countermark/watermark/1"


DEFAULT_POOL = 4
"""Keys in a pool. Who averages marked pictures has to tell them apart first, and each key costs the reader time."""
MAX_POOL = 16
MAX_EPOCHS = 4
"""Epochs that are searched; the bound on false readings counts on it."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What follows from one secret (subkeys of 32 bytes each); nothing here ever prints them."""

    pattern: bytes = field(repr=False)
    """Chooses which frequencies synchronise, which code bit each other one carries, and with which sign."""
    phases: tuple[bytes, ...] = field(repr=False)
    """The pool: each gives every frequency another phase, hence another tile. The first one is that of the secret as
    it was before there were pools, so the marks of that time are still read."""
    check: bytes = field(repr=False)
    """Authenticates the payload, and chooses each picture's key in the pool."""

    def choose(self, mark_id: int) -> int:
        """Which key of the pool marks with `mark_id`: even over the pool, and secret.

        Where a picture drowns that key's mark another one takes its place, so readers try all of them.
        """
        digest = hmac.digest(self.check, b"pool" + mark_id.to_bytes(8), hashlib.sha256)
        return int.from_bytes(digest[:8]) % len(self.phases)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key epochs of one installation, newest first: the newest marks, all of them read.

    Two keyrings are equal exactly when they mark and read the same way.
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
            WatermarkError: no secret, too many of them, the same one twice, one shorter than `MIN_SECRET_BYTES`, or a
                pool that is not of 1 to `MAX_POOL` keys.
        """
        if not 1 <= len(secrets) <= MAX_EPOCHS:
            raise WatermarkError(
                f"{len(secrets)} watermark secrets were given; a keyring takes 1 to {MAX_EPOCHS}. "
                "Drop the oldest ones: pictures marked under them will no longer be read."
            )
        if not 1 <= pool <= MAX_POOL:
            raise WatermarkError(f"A pool of {pool} keys was asked for; it takes 1 to {MAX_POOL}.")
        if len(set(secrets)) != len(secrets):
            raise WatermarkError("The same watermark secret was given twice; a new epoch needs a new secret.")
        return cls(tuple(_epoch(secret, pool) for secret in secrets))


def _epoch(secret: bytes, pool: int) -> Epoch:
    if len(secret) < MIN_SECRET_BYTES:
        raise WatermarkError(
            f"The watermark secret has {len(secret)} bytes; give at least {MIN_SECRET_BYTES} random ones."
        )
    root = hmac.digest(_SALT, secret, hashlib.sha256)
    names = (b"phases", *(b"phases %d" % number for number in range(1, pool)))
    phases = tuple(_expand(root, name) for name in names)
    return Epoch(pattern=_expand(root, b"pattern"), phases=phases, check=_expand(root, b"check"))


def _expand(root: bytes, info: bytes) -> bytes:
    """HKDF-Expand for one block: 32 bytes that only `root` and `info` decide."""
    return hmac.digest(root, info + b"\x01", hashlib.sha256)
