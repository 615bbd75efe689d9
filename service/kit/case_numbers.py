"""Unguessable case numbers, and PINs that are stored as hashes."""

import hashlib
import hmac
import re
import secrets

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no two characters look alike
_GROUPS, _GROUP = 4, 4  # 80 bits
_PIN_GROUPS = 3  # 60 bits
_SALT_BYTES = 16
_LOOKALIKES = str.maketrans("OIL", "011", "- ")
_SHORT = re.compile(r"[0-9]{8}")
_SLOW, _QUICK = 1 << 14, 1 << 10


def new_case_number(kind: str) -> str:
    """A case number such as `T-7Q2M-0KXA-9F3C-WB5E`: `kind`, then 80 random bits."""
    return "-".join((kind, *(_group() for _ in range(_GROUPS))))


def case_number(kind: str, digest: bytes) -> str:
    """A number of the same form from the first 80 bits of a digest."""
    bits = int.from_bytes(digest[: _GROUPS * _GROUP * 5 // 8], "big")
    letters = [_LETTERS[bits >> 5 * place & 31] for place in reversed(range(_GROUPS * _GROUP))]
    return "-".join((kind, *("".join(letters[i : i + _GROUP]) for i in range(0, len(letters), _GROUP))))


def new_pin() -> str:
    """A PIN such as `7Q2M-0KXA-9F3C`: 60 random bits."""
    return "-".join(_group() for _ in range(_PIN_GROUPS))


def is_short_pin(pin: str) -> bool:
    """Whether it has the form of PINs of the first version: eight digits, which can be guessed in the long run."""
    return _SHORT.fullmatch(_normalised(pin)) is not None


def hash_pin(pin: str) -> tuple[bytes, bytes]:
    """Return a new salt (16 bytes) and the scrypt hash (32 bytes) of `pin`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt, _scrypt(pin, salt)


def verify_pin(pin: str, salt: bytes, expected: bytes) -> bool:
    """Return whether `pin` hashes to `expected`, in constant time.

    Case, spaces and dashes do not matter, nor O for 0, and I or L for 1.
    """
    return hmac.compare_digest(_scrypt(pin, salt), expected)


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))


def _normalised(pin: str) -> str:
    return pin.upper().translate(_LOOKALIKES)


def _scrypt(pin: str, salt: bytes) -> bytes:
    """scrypt with r = 8, p = 1. For eight digits N = 2^14 (16 MiB), the interactive setting of RFC 7914 and OWASP; for
    60 random bits N = 2^10 (1 MiB, about 2 ms): they need no slow hash, and wrong PINs must not cost much."""
    text = _normalised(pin)
    cost = _SLOW if _SHORT.fullmatch(text) else _QUICK
    return hashlib.scrypt(text.encode(), salt=salt, n=cost, r=8, p=1, dklen=32)
