"""Pools and epochs: pictures get different tiles, and a rotated secret still reads its marks."""

from functools import cache

import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import Rgb, cartoon, photo
from watermark import Codec, Keyring

OLD, NEW = b"the secret of last year", b"the secret of this year"
IDS = range(7)


@cache
def marked_by_old(mark_id: int) -> Rgb:
    return Codec(Keyring.from_secret(OLD)).embed(cartoon(2), mark_id)


@pytest.mark.parametrize("mark_id", IDS)
def test_a_rotated_keyring_reads_the_marks_of_both_secrets(mark_id: int) -> None:
    rotated = Codec(Keyring.from_secrets([NEW, OLD]))
    old = rotated.extract(marked_by_old(mark_id))
    new = rotated.extract(rotated.embed(cartoon(2), mark_id))
    assert old is not None
    assert new is not None
    assert (old.mark_id, old.epoch) == (mark_id, 1)
    assert (new.mark_id, new.epoch) == (mark_id, 0)


def test_the_newest_secret_marks() -> None:
    rotated = Codec(Keyring.from_secrets([NEW, OLD]))
    assert np.array_equal(rotated.embed(cartoon(3), 5), Codec(Keyring.from_secret(NEW)).embed(cartoon(3), 5))
    assert Codec(Keyring.from_secret(OLD)).extract(rotated.embed(cartoon(3), 5)) is None


def test_a_dropped_secret_reads_nothing() -> None:
    assert Codec(Keyring.from_secret(NEW)).extract(marked_by_old(1)) is None


def test_an_old_mark_is_found_after_it_was_changed() -> None:
    picture = photo("coffee")
    changed = Codec(Keyring.from_secret(OLD)).embed(picture, 77)[20:420, 30:430, :][:, ::-1]
    reading = Codec(Keyring.from_secrets([NEW, OLD])).extract(changed)
    assert reading is not None
    assert (reading.mark_id, reading.epoch, reading.mirrored) == (77, 1, True)


def test_marks_from_before_there_were_pools_are_read() -> None:
    """They were all made with the first key, whatever their id."""
    single, pooled = Codec(Keyring.from_secret(OLD, pool=1)), Codec(Keyring.from_secret(OLD))
    for mark_id in IDS:
        reading = pooled.extract(single.embed(cartoon(4), mark_id))
        assert reading is not None
        assert reading.mark_id == mark_id


def test_pictures_of_one_pool_wear_different_tiles() -> None:
    picture = cartoon(5)
    (epoch,) = Keyring.from_secret(OLD).epochs
    residues: dict[int, list[np.ndarray]] = {}
    for mark_id in range(40):
        key = epoch.choose(mark_id)
        if len(residues.setdefault(key, [])) < 2:
            residues[key].append(
                (Codec(Keyring.from_secret(OLD)).embed(picture, mark_id) - picture.astype(int)).ravel()
            )
    alike = [abs(np.corrcoef(pair)[0, 1]) for pair in residues.values() if len(pair) == 2]
    apart = [abs(np.corrcoef(residues[0][0], residues[key][0])[0, 1]) for key in (1, 2, 3)]
    assert min(alike) > 0.15 > max(apart)
