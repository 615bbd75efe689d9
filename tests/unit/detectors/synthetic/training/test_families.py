"""Families of generators told apart or not, from features made here."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.synthetic.training import families
from detectors.synthetic.training.pack import NAMES, Pack

KNOWN, ALIKE = "GPT image", ("FLUX", "StyleGAN")


@pytest.fixture(scope="module")
def generators(pack: Pack) -> Pack:
    """Images of three generators, a third of the groups each, all synthetic."""
    number = np.array([int(name[1:]) for name in pack.group])
    generator = np.array([KNOWN, *ALIKE])[number % 3]
    return replace(pack, fake=np.ones(len(pack), np.int64), generator=generator)


def lines(generators: Pack, taken: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The rows of the table by family: one generator shows in the features, two look alike."""
    monkeypatch.setattr(families, "SETS", {"three": {name: (name,) for name in (KNOWN, *ALIKE)}})
    rng = np.random.default_rng(4)
    features = rng.normal(size=(len(generators), 16))
    features[:, 0] += 4.0 * (generators.generator == KNOWN)
    text = families.table(generators, [features, features], taken, 4)
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()[2:]]
    return {row[3]: row for row in cells}


def test_only_what_shows_is_named_and_named_rightly(generators: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(generators, np.zeros(len(generators), np.int64), monkeypatch)
    named, precision = float(found[KNOWN][5]), float(found[KNOWN][6])
    assert named > 0.7
    assert precision > 0.9
    assert all(float(found[name][5]) < 0.2 for name in ALIKE)


def test_documents_are_left_out(generators: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = np.where(np.arange(len(generators)) < 450, NAMES.index("document"), 0)
    found = lines(generators, taken, monkeypatch)
    assert sum(int(row[4]) for row in found.values()) == len(generators) - 450
