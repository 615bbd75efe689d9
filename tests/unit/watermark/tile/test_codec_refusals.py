"""What the codec finds no mark in, what it refuses, and what it promises about its output."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, cartoon, photo, psnr
from watermark import Codec, Keyring
from watermark.errors import BadImage, BadMarkId, TooSmall, WatermarkNotReadable
from watermark.tile import embedding, payload, search
from watermark.tile.keyring import MAX_EPOCHS
from watermark.tile.reader import MAX_ATTEMPTS
from watermark.tile.trials import EmbeddingTrials

SECRET = b"a secret for the tests"
CODEC = Codec(Keyring.from_secret(SECRET))
OTHER = Codec(Keyring.from_secret(b"another secret for the tests"))
MARK_ID = 0xC0FFEE123456


@pytest.fixture(scope="module")
def marked() -> Rgb:
    """A marked photograph."""
    return CODEC.embed(photo("astronaut"), MARK_ID)


@settings(max_examples=25, deadline=None)
@given(npst.arrays(np.uint8, st.tuples(st.integers(0, 150), st.integers(0, 150), st.just(3))))
def test_extract_takes_anything_that_is_an_image(picture: Rgb) -> None:
    assert CODEC.extract(picture) is None


@settings(max_examples=15, deadline=None)
@given(
    npst.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8), st.just(3))),
    st.integers(1, 700),
    st.integers(1, 700),
    st.booleans(),
)
def test_extract_takes_any_size_and_texture(small: Rgb, width: int, height: int, smooth: bool) -> None:
    method = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    assert CODEC.extract(cv2.resize(small, (width, height), interpolation=method)) is None


@settings(max_examples=8, deadline=None)
@given(st.binary(min_size=16, max_size=40), st.binary(min_size=16, max_size=40), st.integers(0, 2**48 - 1))
def test_no_two_keyrings_read_each_other(one: bytes, other: bytes, mark_id: int) -> None:
    assume(one != other)
    marked = Codec(Keyring.from_secret(one)).embed(cartoon(mark_id % 5, 160), mark_id)
    assert Codec(Keyring.from_secret(other)).extract(marked) is None


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (1, 1), (1, 5000), (47, 47), (48, 48), (48, 4000), (3000, 50)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_images_of_any_size_are_unmarked(shape: tuple[int, int], level: int) -> None:
    assert CODEC.extract(np.full((*shape, 3), level, np.uint8)) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_even_a_flat_image_can_be_marked(level: int) -> None:
    reading = CODEC.extract(CODEC.embed(np.full((300, 300, 3), level, np.uint8), MARK_ID))
    assert reading is not None
    assert reading.mark_id == MARK_ID


@pytest.mark.parametrize("make", [lambda x: x[:, ::-1][:, ::-1], np.asfortranarray, lambda x: x[..., ::-1]])
def test_views_and_orders_of_memory_are_welcome(make: Callable[[Rgb], Rgb]) -> None:
    picture = make(photo("coffee", 300, 300))
    assert np.array_equal(CODEC.embed(picture, 5), CODEC.embed(np.ascontiguousarray(picture), 5))
    picture.setflags(write=False)
    assert CODEC.extract(CODEC.embed(picture, 5)) is not None


@pytest.mark.parametrize("name", PHOTOS)
def test_unmarked_photographs_read_as_nothing(name: str) -> None:
    assert CODEC.extract(photo(name)) is None
    assert CODEC.extract(photo(name, 300, 256)) is None


@pytest.mark.parametrize("seed", range(6))
def test_unmarked_cartoons_read_as_nothing(seed: int) -> None:
    assert CODEC.extract(cartoon(seed)) is None


@pytest.mark.parametrize("picture", [photo("coffee"), photo("chelsea", 256, 256), cartoon(3), cartoon(4)])
def test_keyrings_never_read_each_other(picture: Rgb) -> None:
    assert OTHER.extract(CODEC.embed(picture, MARK_ID)) is None
    assert CODEC.extract(OTHER.embed(picture, MARK_ID)) is None


def test_the_check_key_alone_decides_too(marked: Rgb) -> None:
    """Under the right pattern but the wrong check every grid is found and every payload refused."""
    (right,) = Keyring.from_secret(SECRET).epochs
    assert Codec(Keyring((replace(right, check=bytes(32)),))).extract(marked) is None


@pytest.mark.parametrize("epochs", [1, MAX_EPOCHS])
def test_attempts_are_counted(epochs: int, marked: Rgb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on false readings is attempts x 2**-36: no search may decode more often, whatever the keys."""
    attempts = []
    monkeypatch.setattr(payload, "unseal", lambda bits, key, version: attempts.append(key))
    monkeypatch.setattr(search, "_FAINT_SCORE", 3.0)
    monkeypatch.setattr(search, "_REFINED_SCORE", 3.0)
    keyring = Keyring.from_secrets([SECRET, *(bytes([number]) * 16 for number in range(1, epochs))])
    assert Codec(keyring).extract(marked) is None
    assert 1 <= len(attempts) <= MAX_ATTEMPTS
    assert MAX_ATTEMPTS * 2.0**-36 < 1e-9
    assert len(set(attempts)) == epochs


def test_marking_twice_never_gives_a_third_id(marked: Rgb) -> None:
    twice = CODEC.embed(marked, 1)
    reading = CODEC.extract(twice)
    assert reading is None or reading.mark_id in {MARK_ID, 1}


def test_same_input_same_pixels(marked: Rgb) -> None:
    again = Codec(Keyring.from_secret(SECRET))
    assert np.array_equal(again.embed(photo("astronaut"), MARK_ID), marked)


def test_an_8k_picture_costs_little_more_than_its_copy() -> None:
    picture = np.resize(photo("rocket"), (4320, 7680, 3))
    tracemalloc.start()
    try:
        result = CODEC.embed(picture, 5)
        embedding = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert CODEC.extract(result) is not None
        extracting = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert embedding < 1.7 * picture.nbytes
    assert extracting < 0.6 * picture.nbytes


def test_ids_give_different_pixels(marked: Rgb) -> None:
    assert not np.array_equal(CODEC.embed(photo("astronaut"), MARK_ID + 1), marked)


@pytest.mark.parametrize(("width", "height"), [(127, 500), (500, 127), (1, 1), (0, 300)])
def test_too_small_to_mark(width: int, height: int) -> None:
    with pytest.raises(TooSmall, match="short side must be at least 128"):
        CODEC.embed(np.zeros((height, width, 3), np.uint8), 1)


@pytest.mark.parametrize("number", range(8))
def test_plain_noise_is_marked_under_any_key(number: int) -> None:
    """What an untrained pipeline draws; a fixed share of the picture's own noise is made up for, or more of it."""
    noise = np.random.default_rng(number).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    codec = Codec(Keyring.from_secret(b"a secret for the tests %d" % number))
    marked = codec.embed(noise, number)
    assert psnr(noise, marked) >= 36
    reading = codec.extract(marked)
    assert reading is not None
    assert reading.mark_id == number


def test_noise_that_drowns_the_mark_is_refused() -> None:
    noise = np.random.default_rng(3).normal(128, 60, (100, 100, 3)).clip(0, 255).astype(np.uint8)
    with pytest.raises(WatermarkNotReadable, match="too noisy for its size"):
        CODEC.embed(cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC), 1)


def regular(pitch: int, low: int, high: int, *, checks: bool) -> Rgb:
    """Stripes or checks of `pitch` pixels in two greys."""
    rows, columns = np.indices((512, 512)) // pitch
    dark = (columns + rows * checks) % 2 == 0
    return np.repeat(np.where(dark, low, high).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("mark_id", [3, 4, 5])
@pytest.mark.parametrize(
    "picture",
    [regular(32, 100, 160, checks=True), regular(20, 0, 255, checks=False), regular(8, 0, 255, checks=False)],
)
def test_regular_pictures_are_marked_where_any_key_is_read(picture: Rgb, mark_id: int) -> None:
    """Their frequencies drown one tile of the pool, or only look as if they did."""
    marked = CODEC.embed(picture, mark_id)
    assert psnr(picture, marked) >= 36
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(marked[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90])
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    for copy in (marked, np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)):
        reading = CODEC.extract(copy)
        assert reading is not None
        assert reading.mark_id == mark_id


def test_a_pattern_of_the_tiles_own_pitch_drowns_format_one_and_not_format_two() -> None:
    picture = regular(16, 0, 255, checks=True)
    with pytest.raises(WatermarkNotReadable, match="pitch of the mark's tile"):
        Codec(Keyring.from_secret(SECRET), version=1).embed(picture, 3)
    reading = CODEC.extract(CODEC.embed(picture, 3))
    assert reading is not None
    assert reading.mark_id == 3


def test_before_refusing_the_reader_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a JPEG copy, so what no JPEG can hold is refused."""
    monkeypatch.setattr(EmbeddingTrials, "reads_back", lambda self, marked: False)
    assert CODEC.extract(CODEC.embed(cartoon(1), 3)) is not None
    monkeypatch.setattr(embedding, "_JPEG_LARGEST", 100)
    with pytest.raises(WatermarkNotReadable):
        CODEC.embed(cartoon(1), 3)


@pytest.mark.parametrize("shape", [(4000, 128), (128, 4000), (8000, 160)])
def test_long_pictures_cost_memory_by_their_pixels(shape: tuple[int, int]) -> None:
    """And tall ones no more than wide ones: it grew with the square of the height."""
    picture = np.ascontiguousarray(cv2.resize(photo("coffee"), shape[::-1]))
    tracemalloc.start()
    try:
        marked = CODEC.embed(picture, 5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * picture.nbytes
    reading = CODEC.extract(marked)
    assert reading is not None
    assert reading.mark_id == 5


@pytest.mark.parametrize("mark_id", [-1, 2**48])
def test_ids_out_of_range(mark_id: int) -> None:
    with pytest.raises(BadMarkId):
        CODEC.embed(cartoon(0), mark_id)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 300, 3), np.float32),
        np.zeros((300, 300), np.uint8),
        np.zeros((300, 300, 4), np.uint8),
        np.zeros((2, 300, 300, 3), np.uint8),
        [[0, 0, 0]],
        None,
    ],
)
def test_what_is_not_an_rgb_image_is_refused(image: object) -> None:
    for act in (CODEC.extract, lambda x: CODEC.embed(x, 1)):
        with pytest.raises(BadImage, match=r"uint8\[H, W, 3\]"):
            act(image)  # type: ignore[arg-type]


def test_the_algorithms_have_their_names() -> None:
    assert Codec.ALGORITHM == "org.countermark.tile.2"
    assert Codec.ALGORITHMS == {1: "org.countermark.tile.1", 2: "org.countermark.tile.2"}
    with pytest.raises(ValueError, match="no watermark format 3"):
        Codec(Keyring.from_secret(SECRET), version=3)
