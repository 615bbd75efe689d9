"""What the search hands on for decoding."""

import numpy as np
import pytest

from watermark.tile.keyring import Keyring
from watermark.tile.pattern import Layout, Pattern
from watermark.tile.search import Grid, Search, Searcher
from watermark.tile.spectrum import FineSpectrum


def grid(score: float, turn: float) -> Grid:
    return Grid(score, 0, np.array([0.0, turn, 0.0, 0.0]), (0.0, 0.0), np.zeros(1, np.complex64))


def test_a_clearer_grid_is_not_dropped_for_a_fainter_one_nearby(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a picture that is turned by a degree the upright stage finds a shadow, the next one the grid itself."""
    (epoch,) = Keyring.from_secret(b"a secret for the tests").epochs
    searcher = Searcher([Pattern(Layout(epoch.pattern, 368), epoch.phases[0])])
    shadow, itself, fainter = grid(6.6, 0.009), grid(13.2, 0.027), grid(5.0, 0.028)
    stages = iter([[shadow], [itself], [fainter]])
    monkeypatch.setattr(Search, "_stage", lambda *_: next(stages))
    search = Search(FineSpectrum(np.zeros((64, 64), np.float32), 64.0), 64.0, searcher)
    assert [one.score for one in search.grids()] == [6.6, 13.2]


def test_the_grid_of_an_issued_image_is_the_one_around_no_shift() -> None:
    (epoch,) = Keyring.from_secret(b"a secret for the tests").epochs
    searcher = Searcher([Pattern(Layout(epoch.pattern, 368), epoch.phases[0])])
    rng = np.random.default_rng(4)
    count = len(searcher.layout.ky)
    spectrum = (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(np.complex64)
    issued = searcher.issued(spectrum, 0, np.zeros(4))
    searched = searcher.grid(spectrum, 0, np.zeros(4), np.zeros(2))
    assert (issued.score, issued.shift) == (searched.score, searched.shift)
    assert np.array_equal(issued.spectrum, searched.spectrum)
