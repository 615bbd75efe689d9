from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.watermark.tile.pictures import photo
from watermark.tile import payload, trellis
from watermark.tile.canvas import luma, scaled
from watermark.tile.carriers import RepeatedTile, quarters_of
from watermark.tile.embedding import visibility
from watermark.tile.keyring import Keyring
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.trials import EmbeddingTrials

(EPOCH,) = Keyring.from_secret(b"a secret for the tests").epochs
CODE_WORD = trellis.encode(payload.seal(42, EPOCH.check, payload.REPEATED))
PATTERN, OTHER = (Pattern(Layout(EPOCH.pattern, len(CODE_WORD)), phases) for phases in EPOCH.phases[:2])


@cache
def host() -> NDArray[np.float32]:
    return luma(photo("astronaut"))


@cache
def mark() -> NDArray[np.float32]:
    """A mark for `host` at canonical size, as embedding makes it but without rejecting the host."""
    canonical = scaled(host(), 0.5)
    tile = PATTERN.tile(PATTERN.target(CODE_WORD) * PATTERN.layout.taper)
    repeated = np.tile(tile, (4, 4)) * visibility(canonical)
    return np.asarray(repeated / np.sqrt(np.mean(repeated**2)), np.float32)


def trials(grey: NDArray[np.float32] | None = None, pattern: Pattern = PATTERN) -> EmbeddingTrials:
    carrier = RepeatedTile(pattern, mark())
    return EmbeddingTrials(host() if grey is None else grey, mark(), CODE_WORD, carrier)


def with_mark(rms: float) -> NDArray[np.float32]:
    one = trials()
    return np.asarray(np.clip(np.rint(host() + one._mark * rms), 0, 255), np.float32)


def test_a_strong_mark_survives_and_a_faint_one_does_not() -> None:
    assert trials().survives(4.0)
    assert not trials().survives(0.2)


def test_a_mark_under_another_pattern_never_survives() -> None:
    assert not trials(pattern=OTHER).survives(4.0)


def test_a_marked_image_is_read_back_and_an_unmarked_one_is_not() -> None:
    assert trials().reads_back(with_mark(4.0))
    assert not trials().reads_back(host())
    assert not trials(pattern=OTHER).reads_back(with_mark(4.0))


def test_the_scale_of_the_mark_makes_no_difference() -> None:
    louder = EmbeddingTrials(host(), mark() * 7, CODE_WORD, RepeatedTile(PATTERN, mark()))
    assert louder.mark_rms == pytest.approx(7 * trials().mark_rms, rel=1e-5)
    assert louder._mark == pytest.approx(trials()._mark, abs=1e-5)


@pytest.mark.parametrize(("level", "least", "most"), [(128, 0.999, 1.0), (255, 0.7, 0.72), (0, 0.7, 0.72)])
def test_half_of_the_mark_is_clipped_in_white_and_in_black(level: float, least: float, most: float) -> None:
    share = trials(np.full((512, 512), level, np.float32)).unclipped_share(3.0)
    assert least <= share <= most


def test_a_large_image_is_tried_on_a_smaller_copy() -> None:
    large = np.zeros((1500, 2000), np.float32)
    assert trials(large)._picture.shape == (512, 683)
    assert trials()._picture.shape == (512, 512)


@pytest.mark.parametrize("shape", [(256, 256), (256, 400), (160, 200)])
def test_quarters_begin_where_a_tile_does(shape: tuple[int, int]) -> None:
    image = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    parts = quarters_of(image)
    assert sum(part.size for part in parts) == image.size
    for part in parts:
        top, left = divmod(int(part[0, 0]), shape[1])
        assert (top % TILE, left % TILE) == (0, 0)
