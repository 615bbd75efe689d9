from pathlib import Path

import numpy as np
import pytest

from detectors.synthetic.training import evaluate, tables
from detectors.synthetic.training.pack import Pack

REAL, FAKE = 200, 60


@pytest.fixture
def pack() -> Pack:
    fake = np.r_[np.zeros(REAL, int), np.ones(FAKE, int)]
    group = np.array(["a"] * 100 + ["b"] * 100 + ["c"] * 30 + ["d"] * 30)
    return Pack(
        folder=Path(),
        files=tuple(map(str, range(REAL + FAKE))),
        fake=fake,
        source=group,
        repository=group,
        group=group,
        kind=np.zeros(REAL + FAKE, int),
        subject=np.where(group == "a", "night", "product"),
        generator=np.where(fake == 1, group, ""),
        photo=np.arange(REAL + FAKE) % 2 == 0,
    )


def scores(pack: Pack) -> np.ndarray:
    """Real images at 0 to 1, group c above them all, group d in their middle."""
    return np.concatenate([np.linspace(0, 1, REAL), np.full(30, 2.0), np.full(30, 0.501)])


def test_figures(pack: Pack) -> None:
    found = evaluate.figures(pack, scores(pack))
    assert found.auroc == pytest.approx(0.75, abs=0.01)
    assert found.recall == (0.5, 0.5)
    assert found.worst_group == "d"
    assert found.worst == pytest.approx(0.5, abs=0.01)
    assert found.mean == pytest.approx(0.75, abs=0.01)


def test_false_positives_by_subject(pack: Pack) -> None:
    night, product = evaluate.by(pack, scores(pack), pack.subject, pack.fake == 0)
    assert (night.name, night.above, night.auroc) == ("night", (0, 0), None)
    assert product.above == pytest.approx((0.1, 0.02))


def test_tables_put_the_worst_first(pack: Pack) -> None:
    lines = tables.by_generator(pack, {"stored": scores(pack)}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| d", "| c"]
    assert tables.by_subject(pack, {"stored": scores(pack)}).splitlines()[2].startswith("| product | 100 |")


def test_calibrated_probabilities_have_little_error() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(5000)
    labels = (rng.random(5000) < p).astype(int)
    assert evaluate.calibration_error(p, labels) < 0.03
    assert evaluate.calibration_error(1 - p, labels) > 0.3
