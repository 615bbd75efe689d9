"""The text of a key: `cm_`, 43 random letters and digits, and six that check them.

Secret scanners recognise it by its form, and tell it from a similar text by its last six letters, as they do with
GitHub's: the CRC-32 of the random part, in base 62. Keys of version 0.1 (`cm_` and 43 letters of base64url) have no
such letters and work as before.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "cm_"
PATTERN = r"\bcm_[0-9A-Za-z]{49}\b"
"""A regular expression for scanners. The checksum tells whether a match is a key."""

ID_LENGTH = len(PREFIX) + 8
"""How much of a key is its id: 47 of its 256 random bits."""

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET = 43  # 256 bits
_CHECK = 6
_FORM = re.compile(f"{PREFIX}[{_LETTERS}]{{{_SECRET + _CHECK}}}")


def fresh_key() -> str:
    """A new key of 52 characters."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET))
    return PREFIX + secret + checksum(secret)


def key_id(key: str) -> str:
    """How the key begins; empty for what cannot be one. It may be shown, stored and logged."""
    begin = key[:ID_LENGTH]
    return begin if begin.isprintable() else ""  # PostgreSQL accepts no NUL


def is_mistyped(key: str) -> bool:
    """Whether it has the form of a key, and another checksum."""
    return _FORM.fullmatch(key) is not None and checksum(key[len(PREFIX) : -_CHECK]) != key[-_CHECK:]


def digest(key: str) -> bytes:
    """SHA-256. A slow hash is not needed: 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode()).digest()


def checksum(secret: str) -> str:
    """CRC-32 of the random part in base 62, six letters."""
    rest, letters = zlib.crc32(secret.encode()), ""
    for _ in range(_CHECK):
        rest, place = divmod(rest, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return letters
