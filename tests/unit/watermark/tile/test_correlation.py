"""Correlation over shifts against its definition."""

import numpy as np
import pytest

from watermark import Keyring
from watermark.tile.correlation import Correlator
from watermark.tile.pattern import TILE, Layout

LAYOUT = Layout(Keyring.from_secret(b"a secret for the tests").epochs[0].pattern, 368)
KY, KX = LAYOUT.ky[LAYOUT.sync], LAYOUT.kx[LAYOUT.sync]


def products(seed: int, count: int = 5) -> np.ndarray:
    parts = np.random.default_rng(seed).normal(size=(2, count, len(KY)))
    result: np.ndarray = (parts[0] + 1j * parts[1]).astype(np.complex64)
    return result


def height(row: np.ndarray, down: float, right: float) -> float:
    return float((row * np.exp(2j * np.pi / TILE * (KY * down + KX * right))).sum().real)


@pytest.mark.parametrize("shifts", [32, 64])
def test_the_peak_over_all_shifts(shifts: int) -> None:
    correlator, spectra = Correlator(LAYOUT, shifts), products(shifts)
    places = np.arange(shifts) * TILE / shifts
    top, shift = correlator.peak(spectra)
    for row, found, (down, right) in zip(spectra, top, shift, strict=True):
        assert found == pytest.approx(max(height(row, y, x) for y in places for x in places), rel=1e-4)
        assert found == pytest.approx(height(row, down, right), rel=1e-4)
    assert correlator.max_height(spectra) == pytest.approx(top)


def test_a_template_is_found_where_it_lies() -> None:
    close = Correlator(LAYOUT, TILE)
    moved = np.exp(-2j * np.pi / TILE * (KY * 11 + KX * 37))[None].astype(np.complex64)
    assert close.peak(moved)[1].tolist() == [[11, 37]]
    back = close.shifted(moved, np.array([[10.5, 38.0]]))
    top, near = close.nearby(back)
    assert near.tolist() == [[0.5, -1.0]]
    assert top[0] == pytest.approx(len(KY), rel=1e-5)
