from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.watermark.tile.pictures import Rgb, cartoon, photo, psnr
from watermark.errors import WatermarkNotReadable
from watermark.tile import embedding, payload, trellis
from watermark.tile.canvas import luma, scaled, whitened
from watermark.tile.carriers import Over, PositionedTiles, RepeatedTile
from watermark.tile.content import ContentSigns
from watermark.tile.embedding import MIN_PSNR_DB, imprint, visibility
from watermark.tile.keyring import Keyring
from watermark.tile.pattern import Layout, Pattern
from watermark.tile.positions import Positions
from watermark.tile.trials import EmbeddingTrials

(EPOCH,) = Keyring.from_secret(b"a secret for the tests").epochs
CODE_WORD = trellis.encode(payload.seal(42, EPOCH.check, payload.POSITIONED))
LAYOUT = Layout(EPOCH.pattern, len(CODE_WORD))
PATTERNS = [Pattern(LAYOUT, phases) for phases in EPOCH.phases]
OVER: dict[str, Over] = {
    "repeated": RepeatedTile,
    "positioned": partial(
        PositionedTiles, positions=Positions(LAYOUT, EPOCH.pattern), content=ContentSigns(EPOCH.pattern)
    ),
}
FORMATS = sorted(OVER)


def once() -> Callable[[Rgb], bool]:
    """A reader that reads the first image it is asked about, and must not be asked about another."""
    answers = iter([True])
    return lambda marked: next(answers)


def heard(rgb: Rgb, pattern: Pattern, side: int = 256, form: str = "positioned") -> float:
    """Share of the code symbols whose sign is read, less the share whose sign is not."""
    grey = luma(rgb)
    canonical = scaled(grey, side / min(grey.shape))
    received = OVER[form](pattern, canonical).received(canonical, whitened(canonical))
    return float(np.mean(np.sign(pattern.soft(received)) * CODE_WORD))


@cache
def marked(name: str, form: str = "positioned") -> Rgb:
    return imprint(photo(name), CODE_WORD, PATTERNS, OVER[form], once())


@pytest.mark.parametrize("form", FORMATS)
def test_the_mark_is_in_the_image_and_only_under_its_own_pattern(form: str) -> None:
    assert heard(marked("astronaut", form), PATTERNS[0], form=form) > 0.8
    assert abs(heard(marked("astronaut", form), PATTERNS[1], form=form)) < 0.3
    assert abs(heard(photo("astronaut"), PATTERNS[0], form=form)) < 0.3


def test_neither_format_hears_the_other() -> None:
    for form, other in (FORMATS, FORMATS[::-1]):
        assert abs(heard(marked("astronaut", form), PATTERNS[0], form=other)) < 0.3


def test_the_image_is_new_of_the_same_shape_and_hardly_changed() -> None:
    before = photo("astronaut")
    kept = before.copy()
    after = imprint(before, CODE_WORD, PATTERNS, OVER["positioned"], once())
    assert np.array_equal(before, kept)
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert psnr(before, after) >= 36
    assert np.array_equal(after, marked("astronaut"))


def test_every_channel_gets_the_same_steps() -> None:
    """The mark is in luma: it changes no hue where nothing is clipped."""
    before = np.clip(photo("chelsea"), 40, 215)
    steps = imprint(before, CODE_WORD, PATTERNS, OVER["positioned"], once()).astype(int) - before
    assert np.array_equal(steps[..., 0], steps[..., 1])
    assert np.array_equal(steps[..., 0], steps[..., 2])


def test_an_image_taller_than_wide_is_marked_as_one_that_is_wide() -> None:
    mark = np.random.default_rng(1).normal(0, 3, (80, 40)).astype(np.float32)
    tall = photo("chelsea", 100, 200)
    wide = np.ascontiguousarray(tall.swapaxes(0, 1))
    assert np.array_equal(
        embedding._added(tall, mark), embedding._added(wide, np.ascontiguousarray(mark.T)).swapaxes(0, 1)
    )


def test_what_is_added_saturates() -> None:
    extremes = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8).repeat(64, axis=0).repeat(32, axis=1)
    mark = np.full((64, 64), -20, np.float32)
    dark = embedding._added(extremes, mark)
    assert (dark.min(), dark.max()) == (0, 235)


@pytest.mark.parametrize("side", [64, 200])
def test_a_mark_is_enlarged_to_the_image_in_bands_as_in_one_piece(side: int) -> None:
    from watermark.tile.canvas import resized

    mark = np.random.default_rng(2).normal(0, 4, (48, 48)).astype(np.float32)
    grey = np.full((side, side, 3), 128, np.uint8)
    expected = np.rint(resized(mark, side, side)).astype(int) + 128
    assert np.abs(embedding._added(grey, mark)[..., 0].astype(int) - expected).max() <= 1


def test_busy_and_bright_places_hide_more() -> None:
    host = np.full((128, 128), 100, np.float32)
    host[:, 64:] += np.random.default_rng(3).normal(0, 15, (128, 64)).astype(np.float32)
    shown = visibility(host)
    assert shown.shape == host.shape
    assert shown.dtype == np.float32
    assert shown[:, 80:].mean() > 2 * shown[:, :48].mean()
    assert shown.min() > 0
    flat = [float(visibility(np.full((32, 32), level, np.float32)).mean()) for level in (10, 200)]
    assert flat[0] < flat[1]


def test_rejecting_the_host_keeps_the_energy_and_helps_where_it_is_opposed() -> None:
    rng = np.random.default_rng(4)
    even = rng.choice([-1.0, 1.0], 400).astype(np.float32)
    before = rng.normal(0, 1, 400).astype(np.float32)
    amplitudes = embedding._reject_host(even, before, 0.5)
    assert np.array_equal(np.sign(amplitudes), even)
    assert np.sum(amplitudes**2) == pytest.approx(np.sum(even**2), rel=1e-3)
    opposed = before * even < 0
    assert np.abs(amplitudes[opposed]).mean() > 1.5 * np.abs(amplitudes[~opposed]).mean()


def test_template_and_message_may_be_heard_at_different_scales() -> None:
    """Each is measured by itself: one number for both would cancel too much of the one and too little of the other."""
    even = np.ones(2 * len(LAYOUT.ky), np.float32)
    heard_of_it = even.reshape(-1, 2).copy()
    heard_of_it[LAYOUT.message] *= 3
    response = embedding._response(even, heard_of_it.ravel(), PATTERNS[0]).reshape(-1, 2)
    assert response[LAYOUT.message] == pytest.approx(3)
    assert response[LAYOUT.sync] == pytest.approx(1)


def test_a_strength_gives_the_psnr_it_is_named_after() -> None:
    rng = np.random.default_rng(5)
    grey = np.full((256, 256, 3), 128, np.uint8)
    step: NDArray[np.float64] = rng.normal(0, embedding._rms_at(MIN_PSNR_DB), (256, 256, 1))
    assert psnr(grey, np.rint(grey + step).astype(np.uint8)) == pytest.approx(MIN_PSNR_DB, abs=0.1)


def test_the_full_reader_decides_where_the_mark_is_not_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddingTrials, "reads_back", lambda self, grey: False)
    monkeypatch.setattr(embedding, "_gain", lambda trials: (2.0, True))
    asked: list[Rgb] = []
    image = cartoon(3)

    def second(rgb: Rgb) -> bool:
        asked.append(rgb)
        return len(asked) >= 2

    found = imprint(image, CODE_WORD, PATTERNS, OVER["positioned"], second)
    assert len(asked) == 3  # the first after JPEG, the second after JPEG, the second as it is
    assert np.array_equal(asked[2], found)
    assert heard(found, PATTERNS[1], 160) > heard(found, PATTERNS[0], 160)
    asked.clear()
    monkeypatch.setattr(EmbeddingTrials, "reads_back", lambda self, grey: True)
    with pytest.raises(WatermarkNotReadable):  # what the trials think clear must be read all the same
        imprint(image, CODE_WORD, PATTERNS, OVER["positioned"], lambda rgb: False)
    with pytest.raises(WatermarkNotReadable, match="256 x 256 pixels"):
        imprint(image, CODE_WORD, PATTERNS, OVER["positioned"], lambda rgb: False)


@pytest.mark.parametrize(("tried", "asked"), [(True, 1), (False, 2)])
def test_jpeg_90_is_read_unless_the_trials_ask_for_more(
    monkeypatch: pytest.MonkeyPatch, tried: bool, asked: int
) -> None:
    monkeypatch.setattr(embedding, "_gain", lambda trials: (2.0, tried))
    read: list[Rgb] = []

    def is_read(rgb: Rgb) -> bool:
        read.append(rgb)
        return True

    found = imprint(photo("astronaut"), CODE_WORD, PATTERNS, OVER["positioned"], is_read)
    assert len(read) == asked
    assert np.array_equal(read[0], found)
    assert all(psnr(found, rgb) > 35 for rgb in read[1:])
