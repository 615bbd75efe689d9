"""The keyring derives independent subkeys and never shows the secret."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watermark import Keyring
from watermark.errors import WatermarkError

SECRET = b"sixteen bytes or more"


@pytest.mark.parametrize("use", ["pattern", "phases", "check"])
def test_subkeys_are_hkdf_sha256(use: str) -> None:
    expected = HKDF(SHA256(), 32, salt=b"countermark/watermark/1", info=use.encode()).derive(SECRET)
    assert getattr(Keyring.from_secret(SECRET), use) == expected


def test_subkeys_differ_from_each_other_and_between_secrets() -> None:
    one, other = Keyring.from_secret(SECRET), Keyring.from_secret(SECRET + b"!")
    assert len({one.pattern, one.phases, one.check, other.pattern, other.phases, other.check}) == 6


def test_the_same_secret_gives_an_equal_keyring() -> None:
    assert Keyring.from_secret(SECRET) == Keyring.from_secret(SECRET)


def test_nothing_prints_a_key() -> None:
    keyring = Keyring.from_secret(SECRET)
    assert repr(keyring) == str(keyring) == "Keyring()"


@pytest.mark.parametrize("length", [0, 15])
def test_a_short_secret_is_refused_without_being_shown(length: int) -> None:
    secret = b"s3cr3t-s3cr3t-s3"[:length]
    with pytest.raises(WatermarkError, match=f"has {length} bytes; give at least 16") as refusal:
        Keyring.from_secret(secret)
    assert "s3cr3t" not in str(refusal.value)
