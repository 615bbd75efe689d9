"""Every tile under phases of its own: only who knows the sequence can add the tiles up."""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from watermark import Keyring
from watermark.tile.content import ContentSigns
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.positions import PERIOD, Positions, TileTransform, cut_tiles

EPOCH = Keyring.from_secret(b"a secret for the tests").epochs[0]
LAYOUT = Layout(EPOCH.pattern, 368)
POSITIONS = Positions(LAYOUT, EPOCH.pattern)
FLAT = np.ones((256, 256), np.float32)


def spectrum(seed: int, count: int) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(np.complex64)


def likeness(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> float:
    return float(np.abs(np.vdot(one, other)) / np.linalg.norm(one) / np.linalg.norm(other))


def field(message: NDArray[np.complex64], down: int, right: int) -> NDArray[np.float32]:
    drawn = POSITIONS.message_field(message, down, right, (256, 256))
    return drawn + np.random.default_rng(3).normal(0, drawn.std() / 4, drawn.shape).astype(np.float32)


def test_phases_and_signs_never_change_under_this_algorithm_name() -> None:
    """Others cannot read the marks already issued: they need a new `Codec.ALGORITHM`."""
    phases = np.rint(np.angle(POSITIONS.phases) * 1e4).astype("<i8")
    kernel = np.rint(ContentSigns(EPOCH.pattern)._kernel * 1e5).astype("<i8")
    digest = hashlib.sha256(phases.tobytes() + kernel.tobytes()).hexdigest()
    assert digest == "6ddacc93a87b2b11ff80fc3f4067f0bac765dcd95270a7ba730084c513cbaf01"


def test_a_tile_and_its_spectrum() -> None:
    transform, amplitudes = TileTransform(LAYOUT), spectrum(1, len(LAYOUT.ky))
    (tile,) = transform.inverse(amplitudes[None])
    plain = Pattern(LAYOUT, EPOCH.phases[0])
    plain.carrier = np.ones_like(plain.carrier)
    assert tile == pytest.approx(plain.tile(amplitudes), abs=1e-6)
    (back,) = transform.at(transform.forward(tile[None]))
    assert back == pytest.approx(np.fft.fft2(tile)[LAYOUT.ky, LAYOUT.kx], abs=1e-4)


def test_the_first_tile_of_an_issued_image_is_the_sequences_first() -> None:
    message = spectrum(2, len(LAYOUT.message))
    received = POSITIONS.first(POSITIONS.tiles(field(message, 0, 0), FLAT))
    assert likeness(received, message) > 0.8


@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (15, 1), (8, 12)])
def test_a_part_is_recognised_by_its_offset(offset: tuple[int, int]) -> None:
    message = spectrum(2, len(LAYOUT.message))
    sums = POSITIONS.every_offset(POSITIONS.tiles(field(message, *offset), FLAT))
    fits = np.array([[likeness(one, message) for one in row] for row in sums])
    assert divmod(int(fits.argmax()), PERIOD) == offset
    assert fits.max() > 0.8
    assert np.sort(fits.ravel())[-2] < 0.3


def test_the_offset_counts_from_the_first_tile_in_every_row() -> None:
    tiles = POSITIONS.tiles(field(spectrum(2, len(LAYOUT.message)), 0, 0), FLAT)
    assert POSITIONS.every_offset(tiles)[0, 0] == pytest.approx(POSITIONS.first(tiles), rel=1e-3, abs=1e-3)


def test_adding_the_tiles_without_the_sequence_gives_nothing() -> None:
    message = spectrum(2, len(LAYOUT.message))
    tiles = POSITIONS.tiles(field(message, 0, 0), FLAT)
    assert likeness(tiles.message.sum(axis=0), message) < 0.2


def test_no_two_tiles_have_the_same_phases() -> None:
    phases = POSITIONS.phases.reshape(PERIOD * PERIOD, -1)
    alike = np.abs(phases @ np.conj(phases).T) / phases.shape[1]
    assert (alike - np.eye(PERIOD * PERIOD)).max() < 0.3


def test_tiles_are_cut_row_by_row_and_padded() -> None:
    image = np.arange(100 * 150, dtype=np.float32).reshape(100, 150)
    tiles = cut_tiles(image)
    assert tiles.shape == (2, 3, TILE, TILE)
    assert tiles[1, 0, 0, 0] == image[64, 0]
    assert tiles[0, 2, 3, 5] == image[3, 133]
    assert tiles[1, 2, 40, 30] == 0
