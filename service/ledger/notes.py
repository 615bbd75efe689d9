"""Signed notes (https://c2sp.org/signed-note) with Ed25519 keys, and cosignatures (https://c2sp.org/tlog-cosignature).

A note is text, an empty line, and lines of signatures. A key is known by its name and its id, four bytes over name,
type and public key; signatures of other keys are ignored.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.kit.errors import MalformedProof, ProofInvalid, UntrustedLog

MOST_BYTES = 1 << 16
"""The longest note that is read. Ours have less than a kilobyte, and each cosignature adds less than 200 bytes."""

_KEY_BYTES, _ID_BYTES, _TIME_BYTES, _SIGNATURE_BYTES = 32, 4, 8, 64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class KeyType(IntEnum):
    """The byte that says how a key signs."""

    ED25519 = 0x01
    """The text of the note."""
    COSIGNATURE = 0x04
    """A time and the text of a checkpoint, by a witness."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that may sign notes. `str` gives its usual text: NAME+ID+BASE64."""

    name: str
    public: bytes
    type: KeyType = KeyType.ED25519

    @property
    def id(self) -> bytes:
        """Four bytes that tell it from other keys of the same name."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.type]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key that a text gives. Raises MalformedProof for anything but an Ed25519 key with the id that it has."""
        name, _, rest = text.strip().partition("+")
        id_, _, encoded = rest.partition("+")
        data = decode64(encoded) or b""
        if not is_key_name(name) or len(data) != 1 + _KEY_BYTES or data[0] not in tuple(KeyType):
            raise MalformedProof("this is not the text of an Ed25519 verifier key (NAME+ID+BASE64)")
        key = cls(name, data[1:], KeyType(data[0]))
        if key.id.hex() != id_:
            raise MalformedProof("the verifier key does not have the id that its text says: it was changed")
        return key

    def pem(self) -> str:
        """The public key alone, as `openssl` reads it."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key().public_bytes(encoding, form).decode()

    def accepts(self, text: str, signature: bytes) -> bool:
        """The signature (what follows the key's id) is this key's, over `text`."""
        message = text.encode()
        if self.type is KeyType.COSIGNATURE:
            time, signature = signature[:_TIME_BYTES], signature[_TIME_BYTES:]
            if len(time) != _TIME_BYTES:
                return False
            message = cosigned(int.from_bytes(time, "big"), text)
        try:
            self._key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public)


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note: whose it says it is, and its bytes without the key's id."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"

    def is_of(self, key: VerifierKey) -> bool:
        return (self.name, self.key_id) == (key.name, key.id)


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and its signatures. `str` gives the note as it is sent and stored."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    @classmethod
    def parse(cls, note: str) -> "Note":
        """The parts of a note, of which nothing is verified. Raises MalformedProof."""
        if len(note) > MOST_BYTES or _CONTROL.search(note):
            raise MalformedProof("this is not a signed note: it is too long or has control characters")
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not text or not lines.endswith("\n"):
            raise MalformedProof("this is not a signed note: a text, an empty line, and lines of signatures")
        return cls(f"{text}\n", tuple(signature_lines(lines)))

    def verify(self, key: VerifierKey) -> None:
        """Require the signature of `key`.

        Raises:
            UntrustedLog: the note has none of this key.
            ProofInvalid: it has one that is not valid.
        """
        found = [line for line in self.signatures if line.is_of(key)]
        if not found:
            raise UntrustedLog(f"the note is not signed by the key {key.name}+{key.id.hex()}")
        if not all(key.accepts(self.text, line.signature) for line in found):
            raise ProofInvalid(f"the signature of {key.name} is not valid: the note or the signature was changed")

    def with_signatures(self, lines: Sequence[SignatureLine]) -> "Note":
        """The same note with more signatures."""
        return Note(self.text, (*self.signatures, *(line for line in lines if line not in self.signatures)))


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs notes under a name."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return VerifierKey(self.name, self.key.public_key().public_bytes(encoding, form))

    def sign(self, text: str) -> Note:
        """A note with this key's signature. Ed25519 is deterministic: the same text gives the same note."""
        return Note(text, (SignatureLine(self.name, self.verifier.id, self.key.sign(text.encode())),))


def signature_lines(lines: str) -> Iterator[SignatureLine]:
    """The signatures in lines that each end in a newline. Raises MalformedProof for a line that is none."""
    for line in lines.removesuffix("\n").split("\n"):
        match = _LINE.fullmatch(line)
        data = decode64(match[2]) if match else None
        if match is None or data is None or len(data) <= _ID_BYTES:
            raise MalformedProof("a signature line is not `— NAME BASE64`")
        yield SignatureLine(match[1], data[:_ID_BYTES], data[_ID_BYTES:])


def cosigned(time: int, text: str) -> bytes:
    """What a witness signs: that it saw the checkpoint `text` at `time`, in seconds since 1970."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def is_key_name(name: str) -> bool:
    """The name may be that of a key: not empty, no spaces, no plus, no control characters."""
    return _NAME.fullmatch(name) is not None


def decode64(text: str) -> bytes | None:
    """The bytes of standard base64 with padding, in its only spelling; None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
