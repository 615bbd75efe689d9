"""A backup as one encrypted stream.

The key is scrypt of a passphrase (RFC 7914: N 2^17, r 8, p 1, which takes 128 MiB and about half a second) with a
random salt. The stream is cut into segments of 64 KiB, each sealed with AES-256-GCM under the nonce

    7 random bytes | number of the segment, 4 bytes, big-endian | 1 for the last segment, else 0

with the header as associated data. This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
authenticated encryption and its nonce-reuse misuse-resistance", CRYPTO 2015), with the nonce layout of Tink's streaming
AEAD: a segment that is changed, moved, repeated or missing, at the end too, does not decrypt. The header holds no
parameter, so a hostile file cannot choose what it costs to open.
"""

import io
import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from service.kit.errors import BackupUnusable, BadRequest

MAGIC = b"countermark encrypted backup 1\n"
MIN_PASSPHRASE = 12
SEGMENT = 1 << 16
_SALT = 16
_PREFIX = 7
_TAG = 16


def check_passphrase(passphrase: bytes) -> bytes:
    """Raises BadRequest where it is shorter than 12 bytes."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise BadRequest(
            f"the passphrase is shorter than {MIN_PASSPHRASE} bytes",
            hint="Use several random words.",
        )
    return passphrase


def is_encrypted(file: BinaryIO) -> bool:
    """The file, read from its start, is an encrypted backup. It is left at its start."""
    found = file.read(len(MAGIC))
    file.seek(0)
    return found == MAGIC


class EncryptingWriter(io.RawIOBase):
    """Encrypts what is written into a file. `close` writes the last segment and leaves the file open."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        """Raises BadRequest as `check_passphrase`."""
        salt, prefix = secrets.token_bytes(_SALT), secrets.token_bytes(_PREFIX)
        self._segments = _Segments(check_passphrase(passphrase), MAGIC + salt + prefix)
        self._file = file
        self._waiting = bytearray()
        file.write(self._segments.header)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # as every writer: whatever has bytes
        self._waiting += view
        while len(self._waiting) > SEGMENT:  # the last segment is sealed as such, and never empty but in an empty file
            self._file.write(self._segments.seal(bytes(self._waiting[:SEGMENT]), last=False))
            del self._waiting[:SEGMENT]
        return len(view)

    def close(self) -> None:
        if not self.closed:
            self._file.write(self._segments.seal(bytes(self._waiting), last=True))
        super().close()


class DecryptingReader(io.RawIOBase):
    """Decrypts an encrypted backup. Every byte that it gives is authentic, and it ends only where the backup does."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        """`file` is at its start. Raises BackupUnusable where the header is incomplete."""
        header = file.read(len(MAGIC) + _SALT + _PREFIX)
        if len(header) < len(MAGIC) + _SALT + _PREFIX:
            raise BackupUnusable("the backup is incomplete")
        self._segments = _Segments(passphrase, header)
        self._file = file
        self._next = file.read(SEGMENT + _TAG)
        self._plain = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Raises BackupUnusable for a wrong passphrase, and where the backup was changed or cut."""
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # as every reader: whatever takes bytes
        if not self._plain and not self._ended:
            sealed, self._next = self._next, self._file.read(SEGMENT + _TAG)
            self._ended = not self._next
            self._plain = memoryview(self._segments.open(sealed, last=self._ended))
        count = min(len(target), len(self._plain))
        target[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count


class _Segments:
    """Seals or opens the segments of one stream, in order."""

    def __init__(self, passphrase: bytes, header: bytes) -> None:
        self.header = header
        salt = header[len(MAGIC) : len(MAGIC) + _SALT]
        self._prefix = header[-_PREFIX:]
        self._cipher = AESGCM(Scrypt(salt=salt, length=32, n=1 << 17, r=8, p=1).derive(passphrase))
        self._number = 0

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last), plain, self.header)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(last), sealed, self.header)
        except InvalidTag:
            raise BackupUnusable("the backup does not decrypt: another passphrase, or it was changed or cut") from None

    def _nonce(self, last: bool) -> bytes:
        nonce = self._prefix + self._number.to_bytes(4, "big") + bytes([last])
        self._number += 1
        return nonce
