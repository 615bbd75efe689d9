"""The keyed layout of the tile."""

import hashlib

import numpy as np

from watermark import Keyring
from watermark.tile.pattern import BAND, SYNC_BAND, Layout, Pattern

SYMBOLS = 368
EPOCH = Keyring.from_secret(b"a secret for the tests").epochs[0]
LAYOUT = Layout(EPOCH.pattern, SYMBOLS)
PATTERN = Pattern(LAYOUT, EPOCH.phases[0])


def random_word(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], SYMBOLS).astype(np.float32)


def spectrum_of(tile: np.ndarray) -> np.ndarray:
    return np.fft.fft2(tile)[LAYOUT.ky, LAYOUT.kx].astype(np.complex64)


def test_layout_never_changes_under_this_algorithm_name() -> None:
    """A new layout cannot read the marks already issued: it needs a new `Codec.ALGORITHM`."""
    layout = np.concatenate([LAYOUT.ky, LAYOUT.kx, LAYOUT.sync, LAYOUT.slot, LAYOUT.sign.astype(np.intp)])
    phases = np.rint(np.angle(PATTERN.carrier) * 1e4)
    digest = hashlib.sha256(layout.astype("<i8").tobytes() + phases.astype("<i8").tobytes()).hexdigest()
    assert digest == "b7e215dead000a596d4ac02c44358bf329d2200fa4bf6660ceeb5f8156ee2132"


def test_no_frequency_is_used_twice() -> None:
    used = set(zip(LAYOUT.ky.tolist(), LAYOUT.kx.tolist(), strict=True))
    assert len(used) == len(LAYOUT.ky)
    assert not used & {(-ky, -kx) for ky, kx in used}
    assert sorted([*LAYOUT.sync, *LAYOUT.message]) == list(range(len(used)))


def test_frequencies_stay_in_their_bands() -> None:
    radius = np.hypot(LAYOUT.ky, LAYOUT.kx)
    assert BAND[0] <= radius.min() <= radius.max() <= BAND[1]
    assert SYNC_BAND[0] <= radius[LAYOUT.sync].min() <= radius[LAYOUT.sync].max() <= SYNC_BAND[1]


def test_every_symbol_has_two_components() -> None:
    assert set(np.bincount(LAYOUT.slot, minlength=SYMBOLS)) == {2}


def test_a_tile_says_its_word() -> None:
    word = random_word(1)
    heard = PATTERN.soft(spectrum_of(PATTERN.tile(PATTERN.target(word))))
    assert np.array_equal(np.sign(heard), word)


def test_another_key_hears_noise() -> None:
    word = random_word(2)
    stranger = Keyring.from_secret(b"another secret for the tests").epochs[0]
    spectrum = spectrum_of(PATTERN.tile(PATTERN.target(word)))
    others = [Pattern(LAYOUT, phases) for phases in EPOCH.phases[1:]]
    others += [Pattern(Layout(stranger.pattern, SYMBOLS), phases) for phases in stranger.phases]
    for other in others:
        assert abs(np.mean(np.sign(other.soft(spectrum)) * word)) < 0.25
