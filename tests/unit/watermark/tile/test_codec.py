"""Marks come back exactly after what pictures usually go through, and from nothing else."""

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, cartoon, photo, psnr, resized
from watermark import Codec, Keyring
from watermark.tile import reader
from watermark.tile.codec import MIN_EMBED_SIDE

CODEC = Codec(Keyring.from_secret(b"a secret for the tests"))
OLD = Codec(Keyring.from_secret(b"a secret for the tests"), version=1)
MARK_ID = 0xC0FFEE123456


def encoded(rgb: Rgb, kind: str, **options: int) -> Rgb:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def jpeg(rgb: Rgb, quality: int) -> Rgb:
    return encoded(rgb, "JPEG", quality=quality)


def scaled(rgb: Rgb, factor: float) -> Rgb:
    return resized(rgb, round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))


def cropped(rgb: Rgb, area: float) -> Rgb:
    height, width = (round(side * area**0.5) for side in rgb.shape[:2])
    return rgb[7 : 7 + height, 11 : 11 + width]


def toned(rgb: Rgb, change: Callable[[np.ndarray], np.ndarray]) -> Rgb:
    result: Rgb = np.clip(np.rint(change(rgb.astype(np.float64))), 0, 255).astype(np.uint8)
    return result


def noisy(rgb: Rgb) -> Rgb:
    noise = np.random.default_rng(5).normal(0, 8, rgb.shape)
    return toned(rgb, lambda x: x + noise)


def turned(rgb: Rgb, degrees: float) -> Rgb:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


ATTACKS: dict[str, Callable[[Rgb], Rgb]] = {
    "none": lambda x: x,
    "png": lambda x: encoded(x, "PNG"),
    "jpeg 75": lambda x: jpeg(x, 75),
    "jpeg 50": lambda x: jpeg(x, 50),
    "webp 80": lambda x: encoded(x, "WEBP", quality=80),
    "half size": lambda x: scaled(x, 0.5),
    "half size, jpeg 70": lambda x: jpeg(scaled(x, 0.5), 70),
    "three quarters, jpeg 70": lambda x: jpeg(scaled(x, 0.75), 70),
    "enlarged": lambda x: scaled(x, 1.5),
    "flipped": lambda x: x[:, ::-1],
    "upside down": lambda x: x[::-1],
    "quarter turn": np.rot90,
    "crop 75 %": lambda x: cropped(x, 0.75),
    "crop 50 %": lambda x: cropped(x, 0.5),
    "turned 3 degrees": lambda x: turned(x, 3),
    "narrowed": lambda x: resized(x, round(x.shape[1] * 0.85), x.shape[0]),
    "brighter": lambda x: toned(x, lambda v: v * 1.2),
    "darker": lambda x: toned(x, lambda v: v * 0.8),
    "less contrast": lambda x: toned(x, lambda v: (v - 128) * 0.75 + 128),
    "gamma": lambda x: toned(x, lambda v: 255 * (v / 255) ** 1.4),
    "noise": noisy,
    "blur": lambda x: cv2.GaussianBlur(x, (0, 0), 1.2),
    "grey": lambda x: np.repeat(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "screenshot": lambda x: jpeg(toned(scaled(x, 0.73), lambda v: 255 * (v / 255) ** 1.1), 80),
}
SOURCES: dict[str, Callable[[], Rgb]] = {
    "astronaut 512": lambda: photo("astronaut"),
    "coffee 600 x 400": lambda: photo("coffee", 600, 400),
    "chelsea 256": lambda: photo("chelsea", 256, 256),
    "cartoon 256, even": lambda: cartoon(4),
    "cartoon 256, odd": lambda: cartoon(7),
    "cartoon 512": lambda: cartoon(2, 512),
}


@cache
def marked(source: str) -> Rgb:
    return CODEC.embed(SOURCES[source](), MARK_ID)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_mark_comes_back(source: str, attack: str) -> None:
    reading = CODEC.extract(ATTACKS[attack](marked(source)))
    assert reading is not None
    assert reading.mark_id == MARK_ID
    assert 0 < reading.confidence <= 1


def on_a_page(rgb: Rgb) -> Rgb:
    page = np.full((2 * rgb.shape[0], 2 * rgb.shape[1], 3), 240, np.uint8)
    page[200 : 200 + rgb.shape[0], 90 : 90 + rgb.shape[1]] = rgb
    return page


ANYWHERE: dict[str, Callable[[Rgb], Rgb]] = {
    "turned 30 degrees": lambda x: turned(x, 30),
    "turned 33 degrees, expanded": lambda x: np.asarray(
        Image.fromarray(x).rotate(33, Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))
    ),
    "mirrored and turned 160 degrees": lambda x: turned(x[:, ::-1], 160),
    "half as wide": lambda x: resized(x, x.shape[1] // 2, x.shape[0]),
    "half as high": lambda x: resized(x, x.shape[1], x.shape[0] // 2),
    "negative": lambda x: 255 - x,
    "negative, turned 20 degrees, jpeg 80": lambda x: jpeg(turned(255 - x, 20), 80),
    "on a page twice as wide": on_a_page,
    "on a page, jpeg 85": lambda x: jpeg(on_a_page(x), 85),
}


@pytest.mark.parametrize("change", ANYWHERE)
def test_the_mark_is_found_anywhere(change: str) -> None:
    copy = np.ascontiguousarray(ANYWHERE[change](marked("astronaut 512")))
    reading = CODEC.extract(copy)
    assert reading is not None
    assert reading.mark_id == MARK_ID
    assert reading.coverage.shape == (-(-copy.shape[0] // 32), -(-copy.shape[1] // 32))


def test_the_fast_search_leaves_out_other_angles() -> None:
    copy = ANYWHERE["turned 30 degrees"](marked("astronaut 512"))
    assert CODEC.extract(copy, fast=True) is None
    assert CODEC.extract(ATTACKS["turned 3 degrees"](marked("astronaut 512")), fast=True) is not None


def test_a_negative_is_told() -> None:
    copy = ANYWHERE["negative, turned 20 degrees, jpeg 80"](marked("astronaut 512"))
    reading = CODEC.extract(copy)
    assert reading is not None
    assert reading.inverted
    assert np.nanmedian(reading.coverage) > 0.5
    whole = CODEC.extract(marked("astronaut 512"))
    assert whole is not None
    assert not whole.inverted


@pytest.mark.parametrize("attack", ["none", "jpeg 50", "crop 50 %", "quarter turn", "turned 3 degrees"])
def test_marks_of_format_one_come_back_for_ever(attack: str) -> None:
    reading = CODEC.extract(ATTACKS[attack](OLD.embed(SOURCES["astronaut 512"](), MARK_ID)))
    assert reading is not None
    assert (reading.mark_id, reading.payload_version) == (MARK_ID, 1)


@pytest.mark.parametrize("seed", range(12))
def test_small_cartoons_survive_halving_and_jpeg(seed: int) -> None:
    """The first thing a visitor tries."""
    found = CODEC.extract(jpeg(scaled(CODEC.embed(cartoon(seed), seed), 0.5), 70))
    assert found is not None
    assert found.mark_id == seed


def test_most_quarters_of_photographs_hold_the_mark() -> None:
    found = []
    for name in PHOTOS:
        whole = CODEC.embed(photo(name), MARK_ID)
        corners = [(0, 0), (3, 250), (256, 256), (131, 77)]
        found += [CODEC.extract(whole[top : top + 256, left : left + 256]) for top, left in corners]
    read = [one.mark_id for one in found if one is not None]
    assert set(read) == {MARK_ID}
    assert len(read) >= 14  # of 16


def test_the_second_look_reads_more_after_strong_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of format one."""
    copies = [jpeg(OLD.embed(photo(name), MARK_ID), quality) for name in PHOTOS for quality in (12, 14, 16)]

    def read() -> set[int]:
        return {number for number, copy in enumerate(copies) if CODEC.extract(copy) is not None}

    both = read()
    monkeypatch.setattr(reader, "_WHITENINGS", reader._WHITENINGS[:1])
    assert both > read()


def test_pictures_stay_good() -> None:
    photos = [psnr(photo(name), CODEC.embed(photo(name), MARK_ID)) for name in PHOTOS]
    assert np.mean(photos) >= 42
    assert min(psnr(SOURCES[source](), marked(source)) for source in SOURCES) >= 36


@pytest.mark.parametrize(
    ("change", "scale", "rotation", "mirrored", "stretch"),
    [
        (lambda x: x, 1, 0, False, 1),
        (lambda x: scaled(x, 0.6), 1, 0, False, 1),
        (lambda x: cropped(x, 0.64), 1.25, 0, False, 1),
        (lambda x: np.pad(x, ((64, 64), (64, 64), (0, 0))), 0.8, 0, False, 1),
        (np.rot90, 1, 90, False, 1),
        (lambda x: np.rot90(x, 3), 1, -90, False, 1),
        (lambda x: x[::-1, ::-1], 1, 180, False, 1),
        (lambda x: x[:, ::-1], 1, 0, True, 1),
        (lambda x: x[::-1], 1, 180, True, 1),
        (lambda x: turned(x, 4), 1, 4, False, 1),
        (lambda x: resized(x, 614, 512), 1.2**0.5, 0, False, 1.2),
    ],
)
def test_the_geometry_is_reported(
    change: Callable[[Rgb], Rgb], scale: float, rotation: float, mirrored: bool, stretch: float
) -> None:
    reading = CODEC.extract(change(marked("astronaut 512")))
    assert reading is not None
    assert reading.scale == pytest.approx(scale, rel=0.01)
    assert abs((reading.rotation_degrees - rotation + 180) % 360 - 180) < 0.4
    assert reading.mirrored is mirrored
    assert reading.stretch == pytest.approx(stretch, rel=0.01)
    assert reading.payload_version == Codec.VERSION == 2


@settings(max_examples=20, deadline=None)
@given(
    mark_id=st.integers(0, 2**48 - 1),
    width=st.integers(MIN_EMBED_SIDE, 700),
    height=st.integers(MIN_EMBED_SIDE, 700),
    seed=st.integers(0, 99),
)
def test_any_id_in_any_size(mark_id: int, width: int, height: int, seed: int) -> None:
    picture = photo(PHOTOS[seed % 4], width, height) if seed % 2 else resized(cartoon(seed), width, height)
    before = picture.copy()
    result = CODEC.embed(picture, mark_id)
    assert result.shape == picture.shape
    assert result.dtype == np.uint8
    assert np.array_equal(picture, before)
    assert psnr(picture, result) >= 36
    reading = CODEC.extract(result)
    assert reading is not None
    assert reading.mark_id == mark_id
