"""Finding the message of format two: where the image was only resized, and under a grid."""

from dataclasses import replace
from functools import cache
from operator import itemgetter

import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import Rgb, photo
from watermark import Codec, Keyring
from watermark.tile import payload, trellis
from watermark.tile.candidates import View
from watermark.tile.canvas import luma, scaled, whitened
from watermark.tile.pattern import Layout, Pattern
from watermark.tile.positioned import FOUND_SCORE, ISSUED_SCORE, PositionedReader
from watermark.tile.search import Grid

KEYRING = Keyring.from_secret(b"a secret for the tests")
EPOCH = KEYRING.epochs[0]
WORD = trellis.encode(payload.seal(42, EPOCH.check, payload.POSITIONED))
LAYOUT = Layout(EPOCH.pattern, len(WORD))
PATTERNS = [Pattern(LAYOUT, phases) for phases in EPOCH.phases]
READER = PositionedReader(LAYOUT, PATTERNS, EPOCH.pattern)
POSE = np.zeros(4)
NOWHERE = [(0.0, 0.0)] * len(PATTERNS)


@cache
def marked() -> Rgb:
    return Codec(KEYRING).embed(photo("astronaut"), 42)


def grid(pose: np.ndarray, key: int) -> Grid:
    return Grid(9.0, key, pose, (0.0, 0.0), np.zeros(0, np.complex64))


def view(rgb: Rgb) -> View:
    sides = rgb.shape[0], rgb.shape[1]
    return View(scaled(luma(rgb), 256 / min(sides)), sides, sides, (0, 0))


def test_an_issued_message_is_found_without_its_template() -> None:
    seen = view(marked())
    score, candidate = max(READER.issued(seen.canvas, whitened(seen.canvas), seen, POSE, NOWHERE), key=itemgetter(0))
    assert score > 10
    assert candidate.key == EPOCH.choose(42)
    assert np.mean(np.sign(candidate.soft) == WORD) > 0.9
    assert (candidate.version, candidate.offset) == (payload.POSITIONED, (0, 0))


def test_an_unmarked_image_has_none() -> None:
    seen = view(photo("astronaut"))
    assert READER.issued(seen.canvas, whitened(seen.canvas), seen, POSE, NOWHERE) == []
    assert all(each.doubtful for each in READER.found(seen, grid(POSE, 0), (0.0, 0.0)))
    assert READER.found(seen, replace(grid(POSE, 0), score=5.0), (0.0, 0.0)) == []
    assert FOUND_SCORE > ISSUED_SCORE


def test_a_part_tells_which_part_it_is() -> None:
    whole = marked()
    part = view(np.ascontiguousarray(whole[128:, 128:]))
    pose = np.array([np.log(4 / 3), 0.0, 0.0, 0.0])
    found, *others = READER.found(part, grid(pose, EPOCH.choose(42)), (0.0, 0.0))
    assert not found.doubtful
    assert all(each.doubtful for each in others)
    assert found.offset == (1, 1)
    assert np.mean(np.sign(found.soft) == WORD) > 0.85


def test_both_marks_of_a_part_are_read() -> None:
    codec = Codec(KEYRING)
    twice = codec.embed(marked(), 7)
    part = np.ascontiguousarray(twice[40:470, 60:490])
    assert {reading.mark_id for reading in codec.read(part).readings} == {42, 7}


def test_beside_an_only_mark_there_is_none() -> None:
    part = view(np.ascontiguousarray(marked()[128:, 128:]))
    found, *_ = READER.found(part, grid(np.array([np.log(4 / 3), 0.0, 0.0, 0.0]), EPOCH.choose(42)), (0.0, 0.0))
    assert READER.beside(found, WORD) == []
    with pytest.raises(ValueError, match="format one"):
        READER.beside(replace(found, offset=None), WORD)


def test_what_a_word_would_look_like() -> None:
    seen = view(marked())
    _, candidate = max(READER.issued(seen.canvas, whitened(seen.canvas), seen, POSE, NOWHERE), key=itemgetter(0))
    residual = seen.canvas - view(photo("astronaut")).canvas
    expected = candidate.expected(WORD)
    assert expected.shape == seen.canvas.shape
    assert np.corrcoef(expected.ravel(), residual.ravel())[0, 1] > 0.5
