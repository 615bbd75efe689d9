"""How luma is evened out before it is read: what counts for how much, and never a number that is none."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from watermark.tile.canvas import contrast_weighted, whitened, whitened_for_jpeg

Whitening = Callable[[NDArray[np.float32]], NDArray[np.float32]]

LOOKS = (whitened, contrast_weighted, whitened_for_jpeg)
LUMA = npst.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 255, width=32))


def half_calm(calm: float, busy: float) -> NDArray[np.float32]:
    """Noise of these two strengths, calm above busy: float32[128, 64], in grey levels about 128."""
    noise = np.random.default_rng(3).normal(0, 1, (128, 64))
    noise[:64] *= calm
    noise[64:] *= busy
    return (128 + noise).astype(np.float32)


def busy_over_calm(look: Whitening, image: NDArray[np.float32]) -> float:
    """RMS of the lower half over that of the upper one, a margin left out."""
    seen = look(image)
    return float(np.sqrt(np.mean(seen[80:] ** 2) / np.mean(seen[:48] ** 2)))


@pytest.mark.parametrize("look", LOOKS)
@given(LUMA)
def test_any_luma_gives_finite_samples_within_the_clip(look: Whitening, image: NDArray[np.float32]) -> None:
    seen = look(image)
    assert seen.shape == image.shape
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()
    assert float(np.abs(seen).max()) <= 1.3 / np.sqrt(0.8)  # contrast_weighted at the contrast floor


def test_whitening_evens_calm_and_busy_places_out() -> None:
    assert busy_over_calm(whitened, half_calm(4, 40)) == pytest.approx(1, abs=0.25)


def test_hushed_turns_busy_places_down() -> None:
    """By the root of the contrast: of ten times the contrast a third is left."""
    assert busy_over_calm(contrast_weighted, half_calm(4, 40)) == pytest.approx(10**-0.5, abs=0.1)


def test_steadied_does_not_blow_up_what_strong_jpeg_leaves_of_flat_areas() -> None:
    faint = half_calm(0.5, 8)
    assert busy_over_calm(whitened_for_jpeg, faint) > 1.8 * busy_over_calm(whitened, faint)
