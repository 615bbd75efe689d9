"""A pack without images."""

from pathlib import Path

import numpy as np
import pytest

from detectors.synthetic.training.pack import NAMES, UNKNOWN_KIND, Pack

IMAGES, GROUPS = 900, 30
HARD, RARE = NAMES.index("portrait"), NAMES.index("night")


@pytest.fixture(scope="package")
def pack() -> Pack:
    """Half of the groups are synthetic. Portraits are the hard kind, and night photographs are in three groups."""
    rng = np.random.default_rng(0)
    group = np.arange(IMAGES) % GROUPS
    kind = np.where(group < 3, RARE, rng.choice([HARD, NAMES.index("product")], IMAGES))
    names = np.array([f"g{number:02}" for number in group])
    return Pack(
        folder=Path(),
        files=tuple(map(str, range(IMAGES))),
        fake=(group % 2).astype(np.int64),
        source=names,
        repository=names,
        group=names,
        kind=np.where(rng.random(IMAGES) < 0.1, UNKNOWN_KIND, kind),
        subject=np.array([NAMES[k] for k in kind]),
        generator=names,
        photo=np.ones(IMAGES, bool),
    )
