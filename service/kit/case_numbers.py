"""Unguessable case numbers, and PINs that are stored as hashes."""

import hashlib
import hmac
import secrets

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no two characters look alike
_GROUPS, _GROUP = 4, 4  # 80 bits
_PIN_DIGITS = 8
_SALT_BYTES = 16


def new_case_number(kind: str) -> str:
    """A case number such as `T-7Q2M-0KXA-9F3C-WB5E`: `kind`, then 80 random bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join((kind, *groups))


def new_pin() -> str:
    """Eight random digits."""
    return f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}}"


def hash_pin(pin: str) -> tuple[bytes, bytes]:
    """Return a new salt (16 bytes) and the scrypt hash (32 bytes) of `pin`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt, _scrypt(pin, salt)


def verify_pin(pin: str, salt: bytes, expected: bytes) -> bool:
    """Return whether `pin` hashes to `expected`, in constant time."""
    return hmac.compare_digest(_scrypt(pin, salt), expected)


def _scrypt(pin: str, salt: bytes) -> bytes:
    """scrypt with N = 2^14, r = 8, p = 1 (16 MiB), the interactive setting of RFC 7914 and OWASP."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)
