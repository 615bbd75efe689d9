"""The secret behind a mark, split into one independent subkey for each use."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Self

from watermark.errors import WatermarkError

MIN_SECRET_BYTES = 16
"""128 bits: below that the secret, not the mark, would be the easiest thing to guess."""

_SALT = b"countermark/watermark/1"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The subkeys (32 bytes each) of one watermark secret; nothing here ever prints them.

    Two keyrings are equal exactly when they mark and read the same way.
    """

    pattern: bytes = field(repr=False)
    """Chooses which frequencies synchronise, which code bit each other one carries, and with which sign."""
    phases: bytes = field(repr=False)
    """Gives every frequency its phase."""
    check: bytes = field(repr=False)
    """Authenticates the payload."""

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Derive the subkeys by HKDF-SHA-256 (RFC 5869).

        Raises:
            WatermarkError: the secret is shorter than `MIN_SECRET_BYTES`.
        """
        if len(secret) < MIN_SECRET_BYTES:
            raise WatermarkError(
                f"The watermark secret has {len(secret)} bytes; give at least {MIN_SECRET_BYTES} random ones."
            )
        root = hmac.digest(_SALT, secret, hashlib.sha256)
        return cls(pattern=_expand(root, b"pattern"), phases=_expand(root, b"phases"), check=_expand(root, b"check"))


def _expand(root: bytes, info: bytes) -> bytes:
    """HKDF-Expand for one block: 32 bytes that only `root` and `info` decide."""
    return hmac.digest(root, info + b"\x01", hashlib.sha256)
