"""The keyring derives independent subkeys, a pool of tiles and epochs, and never shows a secret."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watermark import Keyring
from watermark.errors import WatermarkError
from watermark.tile.keyring import DEFAULT_POOL, MAX_EPOCHS, MAX_POOL

SECRET = b"sixteen bytes or more"


def hkdf(info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=b"countermark/watermark/1", info=info).derive(SECRET)


def test_subkeys_are_hkdf_sha256() -> None:
    (epoch,) = Keyring.from_secret(SECRET, pool=3).epochs
    assert (epoch.pattern, epoch.check) == (hkdf(b"pattern"), hkdf(b"check"))
    assert epoch.phases == (hkdf(b"phases"), hkdf(b"phases 1"), hkdf(b"phases 2"))


def test_subkeys_differ_from_each_other_and_between_secrets() -> None:
    epochs = Keyring.from_secrets([SECRET, SECRET + b"!"]).epochs
    keys = [key for epoch in epochs for key in (epoch.pattern, epoch.check, *epoch.phases)]
    assert len(set(keys)) == len(keys) == 2 * (2 + DEFAULT_POOL)


def test_the_same_secret_gives_an_equal_keyring() -> None:
    assert Keyring.from_secret(SECRET) == Keyring.from_secrets([SECRET])
    assert Keyring.from_secret(SECRET) != Keyring.from_secret(SECRET, pool=2)


def test_a_larger_pool_keeps_the_keys_of_the_smaller_one() -> None:
    small, large = (Keyring.from_secret(SECRET, pool=pool).epochs[0] for pool in (2, MAX_POOL))
    assert large.phases[:2] == small.phases


def test_every_key_of_the_pool_has_its_share_of_ids() -> None:
    (epoch,) = Keyring.from_secret(SECRET, pool=4).epochs
    chosen = [epoch.choose(mark_id) for mark_id in range(2000)]
    assert all(400 < chosen.count(key) < 600 for key in range(4))
    assert chosen == [epoch.choose(mark_id) for mark_id in range(2000)]
    (other,) = Keyring.from_secret(SECRET + b"!", pool=4).epochs
    assert chosen != [other.choose(mark_id) for mark_id in range(2000)]


def test_nothing_prints_a_key() -> None:
    keyring = Keyring.from_secret(SECRET)
    assert repr(keyring) == str(keyring) == "Keyring()"
    assert repr(keyring.epochs[0]) == "Epoch()"


@pytest.mark.parametrize("length", [0, 15])
def test_a_short_secret_is_refused_without_being_shown(length: int) -> None:
    secret = b"s3cr3t-s3cr3t-s3"[:length]
    with pytest.raises(WatermarkError, match=f"has {length} bytes; use at least 16") as refusal:
        Keyring.from_secret(secret)
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize("pool", [0, -1, MAX_POOL + 1])
def test_pools_have_bounds(pool: int) -> None:
    with pytest.raises(WatermarkError, match=f"it takes 1 to {MAX_POOL}"):
        Keyring.from_secret(SECRET, pool=pool)


def test_epochs_have_bounds() -> None:
    with pytest.raises(WatermarkError, match="Drop the oldest"):
        Keyring.from_secrets([SECRET + bytes([number]) for number in range(MAX_EPOCHS + 1)])
    with pytest.raises(WatermarkError, match="takes 1 to"):
        Keyring.from_secrets([])
    with pytest.raises(WatermarkError, match="given twice"):
        Keyring.from_secrets([SECRET, SECRET])
