"""What the formats differ in: a mark taken from one picture is worth nothing on another in format two."""

from functools import cache

import cv2
import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, photo
from watermark import Codec, Keyring
from watermark.tile.canvas import folded, luma, resized, whitened
from watermark.tile.carriers import quarters_of, repeated

KEYRING = Keyring.from_secret(b"a secret for the tests")
CODECS = {version: Codec(KEYRING, version=version) for version in (1, 2)}


@cache
def marked(version: int, name: str) -> Rgb:
    return CODECS[version].embed(photo(name), PHOTOS.index(name))


def fold(rgb: Rgb) -> np.ndarray:
    """What whoever knows the tile's size can estimate of the mark in one picture: float32[512, 512], RMS 1."""
    tile = folded(whitened(resized(luma(rgb), 256, 256)))
    whole = np.tile(tile - tile.mean(), (4, 4)).astype(np.float32)
    layer = cv2.resize(whole, (512, 512), interpolation=cv2.INTER_CUBIC)
    return np.asarray(layer / layer.std())


def added(rgb: Rgb, layer: np.ndarray) -> Rgb:
    result: Rgb = np.clip(np.rint(rgb + layer.reshape(512, 512, -1)), 0, 255).astype(np.uint8)
    return result


def read(version: int, rgb: Rgb) -> int | None:
    reading = CODECS[version].extract(rgb)
    return None if reading is None else reading.mark_id


def test_the_fold_of_one_picture_forges_format_one_and_not_format_two() -> None:
    forged = {
        version: [
            read(version, added(photo(target), 2 * fold(marked(version, source))))
            for source, target in zip(PHOTOS, PHOTOS[1:] + PHOTOS[:1], strict=True)
        ]
        for version in CODECS
    }
    assert forged == {1: [0, 1, 2, 3], 2: [None] * 4}


def test_a_copied_residual_does_not_forge_format_two() -> None:
    """Even the true residual, which no denoiser gets: the signs of another picture turn half of it over."""
    forged = []
    for source, target in zip(PHOTOS[:3], PHOTOS[1:3] + PHOTOS[:1], strict=True):
        residual = marked(2, source).astype(np.float32) - photo(source)
        forged.append(read(2, added(photo(target), residual)))
    assert forged == [None] * 3


@pytest.mark.parametrize("name", PHOTOS)
def test_subtracting_the_fold_leaves_format_two_readable(name: str) -> None:
    whole = marked(2, name)
    assert read(2, added(whole, -2.5 * fold(whole))) == PHOTOS.index(name)


def test_a_tile_is_repeated_and_cut() -> None:
    tile = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    whole = repeated(tile, (100, 200))
    assert whole.shape == (100, 200)
    assert whole[70, 130] == tile[6, 2]


def test_quarters_hold_every_sample_once() -> None:
    image = np.arange(160 * 200, dtype=np.float32).reshape(160, 200)
    assert sorted(np.concatenate([part.ravel() for part in quarters_of(image)])) == sorted(image.ravel())
