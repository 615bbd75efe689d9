"""The encrypted stream gives back exactly what was written, or an error."""

import io
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from service.kit.errors import BackupUnusable, BadRequest
from service.recovery import encryption
from service.recovery.encryption import MAGIC, SEGMENT, DecryptingReader, EncryptingWriter, is_encrypted

PASSPHRASE = b"correct horse battery"
HEADER = len(MAGIC) + 16 + 7
SEALED = SEGMENT + 16


@pytest.fixture(autouse=True)
def _quick_key(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Deriving a key takes half a second by design; one test does it as in production."""
    if request.function is test_the_key_takes_what_the_documentation_says:
        return

    def quick(*, salt: bytes, length: int, n: int, r: int, p: int) -> Scrypt:
        return Scrypt(salt=salt, length=length, n=2, r=r, p=p)

    monkeypatch.setattr(encryption, "Scrypt", quick)


def encrypted(plain: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    file = io.BytesIO()
    with EncryptingWriter(file, passphrase) as writer:
        for start in range(0, len(plain), 50_000):
            writer.write(plain[start : start + 50_000])
    return file.getvalue()


def decrypted(data: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    return DecryptingReader(io.BytesIO(data), passphrase).read() or b""


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT])
def test_what_was_written_is_read(size: int) -> None:
    plain = bytes(range(256)) * (size // 256) + bytes(size % 256)
    data = encrypted(plain)
    assert decrypted(data) == plain
    assert len(data) == HEADER + size + 16 * max(1, -(-size // SEGMENT))
    assert is_encrypted(io.BytesIO(data))
    assert not is_encrypted(io.BytesIO(plain))


def test_the_same_content_never_looks_the_same() -> None:
    first, second = encrypted(bytes(100)), encrypted(bytes(100))
    assert first[HEADER:] != second[HEADER:]


def segments(data: bytes) -> list[bytes]:
    return [data[at : at + SEALED] for at in range(HEADER, len(data), SEALED)]


def header_changed(data: bytes) -> bytes:
    return data[: HEADER - 1] + bytes([data[HEADER - 1] ^ 1]) + data[HEADER:]


def bit_flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def last_segment_cut(data: bytes) -> bytes:
    return data[:HEADER] + b"".join(segments(data)[:-1])


def segments_swapped(data: bytes) -> bytes:
    first, second, *rest = segments(data)
    return data[:HEADER] + b"".join([second, first, *rest])


def segment_repeated(data: bytes) -> bytes:
    first, *rest = segments(data)
    return data[:HEADER] + b"".join([first, first, *rest])


def something_added(data: bytes) -> bytes:
    return data + b"x"


def cut_in_a_segment(data: bytes) -> bytes:
    return data[:-5]


@pytest.mark.parametrize(
    "change",
    [
        header_changed,
        bit_flipped,
        last_segment_cut,
        segments_swapped,
        segment_repeated,
        something_added,
        cut_in_a_segment,
    ],
)
def test_a_change_is_noticed(change: Callable[[bytes], bytes]) -> None:
    data = encrypted(bytes(3 * SEGMENT))
    with pytest.raises(BackupUnusable, match="changed or cut"):
        decrypted(change(data))


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(BackupUnusable, match="another passphrase"):
        decrypted(encrypted(b"secret"), b"correct horse batterx")


def test_an_incomplete_header_is_named() -> None:
    with pytest.raises(BackupUnusable, match="incomplete"):
        decrypted(MAGIC + b"salt")


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(BadRequest, match="12 bytes"):
        EncryptingWriter(io.BytesIO(), b"short")


def test_the_key_takes_what_the_documentation_says() -> None:
    """Decrypted here by the text of the documentation and not by the code."""
    data = encrypted(b"secret")
    salt, prefix = data[len(MAGIC) : len(MAGIC) + 16], data[len(MAGIC) + 16 : HEADER]
    key = Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(PASSPHRASE)
    assert AESGCM(key).decrypt(prefix + bytes(4) + b"\1", data[HEADER:], data[:HEADER]) == b"secret"
