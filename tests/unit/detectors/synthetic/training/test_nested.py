"""Floors chosen on some groups and judged on others, from scores made here."""

import numpy as np
import pytest

from detectors.synthetic.training import nested
from detectors.synthetic.training.calibrate import Rows
from detectors.synthetic.training.heads import HeldOut
from detectors.synthetic.training.pack import NAMES, Pack

PAINTING = NAMES.index("painting")


@pytest.fixture(scope="module")
def rows(pack: Pack) -> Rows:
    """Everything is taken for a painting. A tenth of the real products score like synthetic images."""
    rng = np.random.default_rng(2)
    high = (pack.fake == 1) | ((pack.subject == "product") & (rng.random(len(pack)) < 0.1))
    scores = np.where(high, 0.6, -0.8) + rng.normal(0, 0.05, len(pack))
    kinds = np.tile(np.eye(len(NAMES))[PAINTING], (len(pack), 1))
    return Rows.of(pack, HeldOut([scores, scores], [kinds, kinds]), np.ones(len(pack), bool), floors={})


@pytest.mark.parametrize(("aim", "floor"), [(0.0, 0.75), (0.5, -1)])
def test_a_floor_is_as_high_as_its_aim_asks(
    pack: Pack, rows: Rows, monkeypatch: pytest.MonkeyPatch, aim: float, floor: float
) -> None:
    monkeypatch.setattr(nested, "AIMS", {"painting": ("product", aim)})
    text = nested.table(pack, rows, 2)
    (row,) = (line for line in text.splitlines() if line.startswith("| product |"))
    shares = [float(cell) for cell in row.split("|")[2:-1]]
    free, chosen = shares[2:4], shares[4:]
    assert max(chosen) < min(free) if floor > 0 else chosen == free
    assert float(text.rsplit("painting ", 1)[1].rstrip(".")) >= floor
