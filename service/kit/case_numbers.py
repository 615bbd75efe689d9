"""Case numbers that cannot be guessed, and PINs that are kept as hashes."""

import hashlib
import hmac
import secrets

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that looks like something else
_GROUPS, _GROUP = 4, 4  # 80 bits
_PIN_DIGITS = 8
_SALT_BYTES = 16


def fresh_reference(kind: str) -> str:
    """Such as `T-7Q2M-0KXA-9F3C-WB5E`: 80 random bits after the `kind`."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join((kind, *groups))


def fresh_pin() -> str:
    """Eight random digits."""
    return f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}}"


def hash_pin(pin: str) -> tuple[bytes, bytes]:
    """Salt (16 bytes) and scrypt hash (32 bytes) of a PIN."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt, _scrypt(pin, salt)


def right_pin(pin: str, salt: bytes, expected: bytes) -> bool:
    """The PIN is the one that was hashed. Takes as long for a wrong one."""
    return hmac.compare_digest(_scrypt(pin, salt), expected)


def _scrypt(pin: str, salt: bytes) -> bytes:
    """scrypt with N = 2^14, r = 8, p = 1 (16 MiB), OWASP's and RFC 7914's interactive setting."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)
