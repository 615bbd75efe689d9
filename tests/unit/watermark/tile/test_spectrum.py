import numpy as np
import pytest
from numpy.typing import NDArray

from watermark.tile.pattern import TILE
from watermark.tile.spectrum import FineSpectrum, tile_spectrum


def wave(shape: tuple[int, int], fy: float, fx: float, phase: float = 0.0) -> NDArray[np.float32]:
    """A cosine of unit amplitude with `fy`, `fx` cycles per sample, and `phase` at the centre of the image."""
    down, right = np.mgrid[: shape[0], : shape[1]]
    angle = 2 * np.pi * (fy * (down - shape[0] // 2) + fx * (right - shape[1] // 2)) + phase
    return np.asarray(np.cos(angle), np.float32)


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def at(value: float) -> NDArray[np.float32]:
    return np.array([value], np.float32)


def test_a_tile_is_seen_at_its_own_frequency() -> None:
    spectrum = np.abs(tile_spectrum(wave((256, 256), 5 / TILE, 9 / TILE)))
    assert spectrum.shape == (TILE, TILE)
    peaks = {(int(y), int(x)) for y, x in np.argwhere(spectrum > spectrum.max() / 2)}
    assert peaks == {(5, 9), (TILE - 5, TILE - 9)}


def test_what_repeats_with_the_tile_outweighs_what_does_not() -> None:
    regular, other = (np.abs(tile_spectrum(wave((256, 256), f / TILE, 8 / TILE))).max() for f in (6.0, 6.25))
    assert regular > 10 * other


def test_the_spectrum_of_a_real_image_is_symmetric() -> None:
    spectrum = tile_spectrum(noise(200, 300))
    mirrored = np.roll(spectrum[::-1, ::-1], 1, axis=(0, 1))
    inside = slice(8, TILE - 7)  # at the edges flattening sees another neighbourhood
    assert spectrum[inside, inside] == pytest.approx(np.conj(mirrored)[inside, inside], abs=1e-3)


def test_flattening_evens_out_a_loud_region() -> None:
    """Ten times the amplitude gives less than ten times the response: its neighbourhood is divided by."""
    quiet = noise(256, 256)
    loud = quiet + 10 * wave((256, 256), 8 / TILE, 8 / TILE)
    raw = 10 * 256 * 256 / 2
    found = np.abs(tile_spectrum(loud))[8, 8]
    assert np.abs(tile_spectrum(quiet))[8, 8] < found < raw


@pytest.mark.parametrize("shape", [(256, 256), (255, 301), (128, 256)])
@pytest.mark.parametrize("phase", [0.0, 1.0, -2.0])
def test_a_wave_is_found_between_bins_with_its_phase_about_the_centre(shape: tuple[int, int], phase: float) -> None:
    fy, fx = 0.1037, 0.0713
    spectrum = FineSpectrum(wave(shape, fy, fx, phase), 64.0)
    for read in (spectrum.nearest, spectrum.between):
        (value,) = read(at(fy), at(fx))
        assert np.angle(value * np.exp(-1j * phase)) == pytest.approx(0, abs=0.1)
        (elsewhere,) = read(at(fy + 0.05), at(fx))
        assert abs(value) > 20 * abs(elsewhere)


def test_the_other_half_is_the_conjugate() -> None:
    spectrum = FineSpectrum(noise(120, 90), 64.0)
    fy = np.linspace(-0.3, 0.3, 40, dtype=np.float32)
    fx = np.linspace(0.02, 0.4, 40, dtype=np.float32)
    assert spectrum.nearest(-fy, -fx) == pytest.approx(np.conj(spectrum.nearest(fy, fx)), abs=1e-4)
    assert spectrum.between(-fy, -fx) == pytest.approx(np.conj(spectrum.between(fy, fx)), abs=1e-3)


def test_frequencies_have_any_equal_shape() -> None:
    spectrum = FineSpectrum(noise(64, 64), 64.0)
    grid = np.full((3, 5), 0.1, np.float32)
    for read in (spectrum.nearest, spectrum.between):
        found = read(grid, grid)
        assert found.shape == (3, 5)
        assert found.dtype == np.complex64
        assert np.ptp(np.abs(found)) == 0


def test_between_bins_the_reading_is_continuous() -> None:
    spectrum = FineSpectrum(noise(96, 96), 64.0)
    steps = np.linspace(0.1, 0.11, 200, dtype=np.float32)
    found = spectrum.between(steps, steps)
    assert np.abs(np.diff(found)).max() < 0.1 * np.abs(found).max()


def test_a_black_image_has_an_empty_spectrum() -> None:
    black = np.zeros((64, 64), np.float32)
    assert not tile_spectrum(black).any()
    assert not FineSpectrum(black, 64.0).nearest(at(0.1), at(0.1)).any()
