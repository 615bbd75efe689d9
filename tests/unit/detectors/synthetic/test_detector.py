from pathlib import Path

import numpy as np
import pytest
from skimage import data as photos

from detectors import KINDS, Encoder, Synthetic
from models import ModelFault, Session, find_card
from tests.support.encoders import write_encoder


@pytest.fixture(scope="module")
def alone() -> Synthetic:
    return Synthetic()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(write_encoder(tmp_path_factory.mktemp("encoder")))


def test_a_picture_gets_a_probability_with_an_interval(alone: Synthetic) -> None:
    found = alone(photos.astronaut())
    low, high = found.interval
    assert 0 <= low <= found.p_synthetic <= high <= 1
    assert [f.detector for f in found.findings] == ["texture"]
    assert found.findings[0].digest == alone.card.digest
    assert not found.complete


def test_the_same_picture_gets_the_same_answer(alone: Synthetic) -> None:
    assert alone(photos.coffee()) == alone(photos.coffee())


def test_stricter_rates_have_higher_thresholds(alone: Synthetic) -> None:
    thresholds = alone(photos.coffee()).synthetic_above
    assert thresholds["0.05"] < thresholds["0.01"]


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (2100, 1300)])
def test_any_size_is_judged(alone: Synthetic, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert 0 <= alone(rgb).p_synthetic <= 1
    picture, heat = alone.heatmap(rgb)
    assert picture.shape[:2] == heat.shape
    assert 0 <= heat.min() <= heat.max() <= 1


def test_the_encoder_takes_over_with_its_own_calibration(alone: Synthetic, encoder: Encoder) -> None:
    found = Synthetic(encoder)(photos.astronaut())
    assert [f.detector for f in found.findings] == ["representation"]
    assert found.complete
    assert found.calibration != alone(photos.astronaut()).calibration


class Says:
    """A head that gives every image this score and this kind."""

    def __init__(self, score: float, kind: str, kinds: int = len(KINDS)) -> None:
        self.row = [score, *(float(number == list(KINDS).index(kind)) for number in range(kinds))]

    def run(self, features: np.ndarray) -> np.ndarray:
        return np.tile(np.array(self.row, np.float32), (len(features), 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_thresholds_and_what_was_measured(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    detector = Synthetic()
    monkeypatch.setattr(detector, "_head", Says(0.2, kind))
    found, scale = detector(photos.coffee()), detector._scale.kinds[kind]
    assert found.rates is not None
    assert (found.rates.kind, found.rates.real, found.rates.recall) == (kind, scale.real, scale.recall)
    assert found.synthetic_above == scale.synthetic_above
    assert found.camera_below == (scale.camera_below or 0.0)
    for rate, above in found.synthetic_above.items():
        assert above >= detector.synthetic_above[rate], "a kind is never judged by a looser threshold"


@pytest.mark.parametrize(("kind", "codes"), [("document", ()), ("product", ("flat_graphic",))])
def test_flat_colour_is_in_scope_only_where_the_encoder_was_measured_on_it(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, kind: str, codes: tuple[str, ...]
) -> None:
    chart = np.full((400, 400, 3), 255, np.uint8)
    for detector, expected in ((Synthetic(encoder), codes), (Synthetic(), ("flat_graphic",))):
        monkeypatch.setattr(detector, "_head", Says(-0.9, kind))
        assert detector(chart).out_of_scope == expected


def test_a_head_of_other_kinds_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Synthetic()
    monkeypatch.setattr(detector, "_head", Says(0.2, "headshot", kinds=3))
    with pytest.raises(ModelFault, match="4 outputs"):
        detector(photos.coffee())


def test_an_answer_that_is_no_number_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        def run(self, _names: object, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
            (batch,) = feeds.values()
            return [np.full(len(batch), np.nan, np.float32)]

    detector = Synthetic()
    monkeypatch.setattr(detector._model._session, "_session", Stuck())
    with pytest.raises(ModelFault, match="not finite"):
        detector(photos.coffee())


def test_a_calibration_that_is_none_is_a_fault(tmp_path: Path) -> None:
    import hashlib

    card = find_card("synthetic")
    for path in card.files:
        (tmp_path / path).write_bytes(card.read(path))
    (tmp_path / "calibration.json").write_bytes(b"{}")
    files = {**card.files, "calibration.json": hashlib.sha256(b"{}").hexdigest()}
    source = {"kind": "folder", "path": str(tmp_path)}
    broken = type(card).model_validate({**card.model_dump(), "files": files, "source": source})
    with pytest.raises(ModelFault, match="calibration"):
        Synthetic(card=broken)


def test_a_session_cut_elsewhere_is_a_fault(tmp_path: Path) -> None:
    card = write_encoder(tmp_path)
    with pytest.raises(ModelFault, match="no tensor"):
        Session(card, *card.files, cut_at=["nowhere"])
