"""Heads, their calibration and their file, from features made here: synthetic images and kinds are directions."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from detectors.synthetic.calibration import Scale
from detectors.synthetic.training import calibrate, head_file, heads
from detectors.synthetic.training.calibrate import Rows
from detectors.synthetic.training.heads import Head, HeldOut, Recipe
from detectors.synthetic.training.pack import NAMES, UNKNOWN_KIND, Pack
from tests.unit.detectors.synthetic.training.conftest import HARD, IMAGES, RARE

FEATURES = 16


@pytest.fixture(scope="module")
def tables(pack: Pack) -> list[np.ndarray]:
    """Feature 0: synthetic, weaker in portraits. Features 1 to 3: kinds."""
    rng = np.random.default_rng(1)
    subject = np.array([NAMES.index(str(name)) for name in pack.subject])
    clean = rng.normal(size=(IMAGES, FEATURES))
    clean[:, 0] += (2.0 * pack.fake - 1) * np.where(subject == HARD, 0.7, 3.0)
    for column, kind in enumerate((HARD, RARE, NAMES.index("product")), 1):
        clean[:, column] += 6 * (subject == kind)
    return [(clean + rng.normal(0, 0.1, clean.shape)).astype(np.float16) for _ in range(2)]


@pytest.fixture(scope="module")
def fitted(pack: Pack, tables: list[np.ndarray]) -> tuple[Head, HeldOut]:
    return heads.fit(pack, list(tables), Recipe(1.0), Recipe(1.0))


@pytest.fixture(scope="module")
def rows(pack: Pack, fitted: tuple[Head, HeldOut]) -> Rows:
    return Rows.of(pack, fitted[1], np.ones(len(pack), bool))


@pytest.fixture(scope="module")
def scale(rows: Rows) -> Scale:
    return calibrate.scale(rows)


def test_held_out_scores_tell_the_classes_and_the_kinds(pack: Pack, fitted: tuple[Head, HeldOut]) -> None:
    _, held_out = fitted
    easy = pack.subject == "product"
    assert np.mean((held_out.scores[0] > 0)[easy] == (pack.fake == 1)[easy]) > 0.95
    known = (pack.kind != UNKNOWN_KIND) & (pack.kind != RARE)
    assert np.mean(held_out.kinds[1].argmax(1)[known] == pack.kind[known]) > 0.95


def test_the_file_gives_what_the_head_gives(
    tmp_path: Path, tables: list[np.ndarray], fitted: tuple[Head, HeldOut]
) -> None:
    head, _ = fitted
    head_file.write(tmp_path / "head.onnx", head)
    session = ort.InferenceSession(tmp_path / "head.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"input": tables[0].astype(np.float32)})[0]
    score, kinds = head(tables[0])
    np.testing.assert_allclose(found, np.c_[score, kinds], atol=1e-4)


def test_a_kind_is_held_to_its_own_rate(rows: Rows) -> None:
    synthetic, camera = calibrate.verdicts(rows, 0.05)
    for kind in (HARD, NAMES.index("product")):
        real = (rows.kind == kind) & (rows.fake == 0)
        assert synthetic[real].mean() < 0.06
    assert (synthetic + camera <= 1).all(), "no division calls an image both"
    assert synthetic[rows.fake == 1].mean() > 0.3


def test_a_kind_with_a_floor_is_held_to_it(pack: Pack, fitted: tuple[Head, HeldOut]) -> None:
    everything = np.ones(len(pack), bool)
    rows = Rows.of(pack, fitted[1], everything, floors={"product": 0.97})
    found = calibrate.limits(rows, np.ones(len(rows.x), bool))
    assert found.above[0.05][NAMES.index("product")] == 0.97
    free = calibrate.limits(Rows.of(pack, fitted[1], everything, floors={}), np.ones(len(rows.x), bool))
    assert (free.above[0.05][NAMES.index("product")] or 0) < 0.97
    assert found.above[0.05][HARD] == free.above[0.05][HARD], "other kinds keep theirs"


def test_thresholds_grow_with_the_rate_and_are_never_looser_than_over_all_images(scale: Scale) -> None:
    hard = scale.kinds["portrait"]
    assert hard.synthetic_above["0.05"] > scale.synthetic_above["0.05"]
    assert hard.synthetic_above["0.01"] >= hard.synthetic_above["0.05"]
    for kind in scale.kinds.values():
        for rate, above in kind.synthetic_above.items():
            assert above >= scale.synthetic_above[rate]
        assert kind.camera_below is None or kind.camera_below <= scale.camera_below


def test_a_kind_of_too_few_groups_or_images_has_no_threshold(scale: Scale) -> None:
    assert scale.kinds["night"].synthetic_above == {}, "three groups are too few"
    assert scale.kinds["painting"].camera_below is None, "there are no paintings"


def test_probabilities_are_calibrated(rows: Rows) -> None:
    p = calibrate.probabilities(rows)
    assert abs(p.mean() - rows.fake.mean()) < 0.05
    assert p[rows.fake == 1].mean() > p[rows.fake == 0].mean() + 0.3


def test_a_weighted_quantile() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 8.0])
    assert [calibrate.quantile(values, weights, share) for share in (0.05, 0.5, 0.95, 1.0)] == [1, 2, 3, 3]
