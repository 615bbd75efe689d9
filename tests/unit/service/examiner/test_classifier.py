import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from detectors import Finding, Inference, KindRates
from models import ModelFault
from service.examiner.classifier import Classifier, Thresholds
from service.examiner.inference import KindRates as KindRatesShown
from service.kit.errors import BadRequest, BrokenPicture, Misconfigured, Unavailable
from service.media.pictures import ImageLimits, decode, decode_first, encode
from tests.assets import provenance

LIMITS = ImageLimits(1 << 20, 1 << 20)
PICTURE = encode(np.zeros((8, 8, 3), np.uint8), "png")[0]


class Fixed:
    """A detector that gives every picture the same probability."""

    synthetic_above: ClassVar = {"0.05": 0.8, "0.01": 0.95}

    def __init__(
        self,
        p: float,
        out_of_scope: tuple[str, ...] = (),
        findings: tuple[Finding, ...] = (),
        rates: KindRates | None = None,
        of_kind: dict[str, float] | None = None,
    ) -> None:
        self.p, self.out_of_scope, self.findings = p, out_of_scope, findings
        self.rates, self.of_kind = rates, self.synthetic_above if of_kind is None else of_kind

    def prepare(self, rgb: np.ndarray, _quality: int | None) -> np.ndarray:
        return rgb

    def judge(self, pictures: Sequence[np.ndarray]) -> list[Inference]:
        return [self.inference for _ in pictures]

    @property
    def inference(self) -> Inference:
        return Inference(
            p_synthetic=self.p,
            interval=(self.p, self.p),
            findings=self.findings,
            out_of_scope=self.out_of_scope,
            synthetic_above=self.of_kind,
            camera_below=0.2,
            calibration="test/1",
            complete=True,
            rates=self.rates,
        )


class Broken(Fixed):
    def judge(self, _pictures: object) -> list[Inference]:
        raise ModelFault("the output is not finite")

    heatmap = judge


PORTRAIT = KindRates("portrait", 143, 411, {"0.05": 0.04}, {"0.05": 0.5})
DOCUMENT = KindRates("document", 329, 197, {"0.05": 0.01}, {"0.05": 0.8})

Make = Callable[..., Classifier]


@pytest.fixture
def make() -> Make:
    def build(detector: object, fpr: float = 0.05, thresholds: Thresholds | None = None) -> Classifier:
        return Classifier(detector, LIMITS, fpr, thresholds)  # type: ignore[arg-type]

    return build


@pytest.mark.parametrize(
    ("p", "fpr", "verdict", "reason"),
    [
        (0.9, 0.05, "likely_synthetic", "classifiers_synthetic"),
        (0.9, 0.01, "inconclusive", "classifiers_undecided"),
        (0.96, 0.01, "likely_synthetic", "classifiers_synthetic"),
        (0.5, 0.05, "inconclusive", "classifiers_undecided"),
        (0.1, 0.05, "likely_camera", "classifiers_camera"),
    ],
)
def test_the_rate_decides(make: Make, p: float, fpr: float, verdict: str, reason: str) -> None:
    found = make(Fixed(p), fpr).detect(PICTURE, "a.png")
    assert (found.verdict, found.reasons[0].code, found.file) == (verdict, reason, "a.png")
    assert found.p_synthetic == p


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "TIFF"])
def test_of_several_images_the_first_is_judged_and_their_number_is_said(make: Make, form: str) -> None:
    classifier = make(Fixed(0.9))
    moving = provenance.moving(form)
    assert (classifier.detect(moving).frames, classifier.detect(PICTURE).frames) == (2, 1)
    first, source = classifier.read(moving)
    assert (source.frames, source.sha256) == (2, hashlib.sha256(moving).hexdigest())
    assert np.array_equal(cast(np.ndarray, first), decode_first(moving, LIMITS).rgb)


def test_outside_its_scope_it_gives_a_number_and_no_verdict(make: Make) -> None:
    found = make(Fixed(0.99, ("flat_graphic",), rates=PORTRAIT)).detect(PICTURE)
    assert found.kind_rates is None, "they were not measured on such images"
    assert found.p_synthetic == 0.99
    assert found.verdict == "inconclusive"
    assert [w.code for w in found.warnings] == ["flat_graphic"]
    assert found.reasons[0].code == "classifiers_void"


def test_a_kind_has_its_own_threshold_and_says_how_often_it_is_wrong(make: Make) -> None:
    found = make(Fixed(0.9, rates=PORTRAIT, of_kind={"0.05": 0.95})).detect(PICTURE)
    assert (found.verdict, found.kind, found.synthetic_above) == ("inconclusive", "portrait", 0.95)
    assert found.kind_rates == KindRatesShown(real=143, synthetic=411, false_positives=0.04, recall=0.5)
    assert make(Fixed(0.96, rates=PORTRAIT, of_kind={"0.05": 0.95})).detect(PICTURE).verdict == "likely_synthetic"


def test_a_kind_whose_rate_cannot_be_held_is_never_called_synthetic(make: Make) -> None:
    strict = make(Fixed(0.999, rates=PORTRAIT, of_kind={"0.05": 0.95}), 0.01)
    found = strict.detect(PICTURE)
    assert (found.verdict, found.synthetic_above, found.kind_rates) == ("inconclusive", None, None)
    assert found.reasons[0].code == "classifiers_kind_unmeasured"
    assert make(Fixed(0.1, rates=PORTRAIT, of_kind={}), 0.01).detect(PICTURE).verdict == "likely_camera"
    with pytest.raises(BadRequest):
        strict.detect(PICTURE, threshold_fpr=0.2)


def test_what_is_no_photograph_is_not_said_to_be_from_a_camera(make: Make) -> None:
    assert make(Fixed(0.1, rates=DOCUMENT)).detect(PICTURE).reasons[0].code == "classifiers_not_synthetic"
    assert make(Fixed(0.1, rates=PORTRAIT)).detect(PICTURE).reasons[0].code == "classifiers_camera"


def test_own_thresholds_hold_for_every_kind_and_replace_its_rates(make: Make, tmp_path: Path) -> None:
    thresholds = Thresholds.load(own(tmp_path))
    found = make(Fixed(0.5, rates=PORTRAIT, of_kind={}), thresholds=thresholds).detect(PICTURE)
    assert (found.verdict, found.kind, found.kind_rates) == ("likely_synthetic", "portrait", None)


def test_a_rate_without_a_threshold_is_refused(make: Make) -> None:
    with pytest.raises(BadRequest, match=r"0\.2") as refused:
        make(Fixed(0.5)).detect(PICTURE, threshold_fpr=0.2)
    with pytest.raises(BadRequest):
        make(Fixed(0.5)).check_rate(0.2)
    make(Fixed(0.5)).check_rate(0.01)
    assert "0.05, 0.01" in refused.value.hint


def test_a_failing_model_is_no_score(make: Make) -> None:
    with pytest.raises(Unavailable, match="not finite"):
        make(Broken(0.5)).detect(PICTURE)
    with pytest.raises(Unavailable, match="not finite"):
        make(Broken(0.5)).heatmap(PICTURE)


def test_what_is_no_picture_is_an_error(make: Make) -> None:
    with pytest.raises(BrokenPicture):
        make(Fixed(0.5)).detect(PICTURE[:40])


def own(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "thresholds.json"
    values = {"calibration": "test/1", "synthetic_above": {"0.05": 0.3}, "camera_below": 0.1, **changes}
    path.write_text(json.dumps(values))
    return path


def test_own_thresholds_replace_the_models(make: Make, tmp_path: Path) -> None:
    classifier = make(Fixed(0.5), thresholds=Thresholds.load(own(tmp_path)))
    assert classifier.infer(decode(PICTURE, LIMITS)).verdict == "likely_synthetic"


def test_thresholds_of_another_calibration_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="other/1"):
        make(Fixed(0.5), thresholds=Thresholds.load(own(tmp_path, calibration="other/1"))).detect(PICTURE)


@pytest.mark.parametrize("changes", [{"camera_below": 2}, {"more": 1}, {"synthetic_above": None}])
def test_a_file_that_is_none_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(Misconfigured, match="not a threshold file"):
        Thresholds.load(own(tmp_path, **changes))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        Thresholds.load(tmp_path / "none.json")


OURS, ADDED = (Finding(name, "synthetic", 0.9, f"{name}@1", name * 8) for name in ("ours", "added"))


def test_a_classifier_without_a_vote_is_heard_and_does_not_count(make: Make) -> None:
    found = make(Fixed(0.5, findings=(OURS, ADDED))).detect(PICTURE)
    assert found.p_synthetic == 0.5
    assert [f.detector for f in found.findings] == ["ours", "added"]
    assert "member_not_counted" in [reason.code for reason in found.reasons]


def test_a_classifier_with_a_vote_counts(make: Make, tmp_path: Path) -> None:
    votes = {ADDED.digest: {"weight": 1, "bias": 0}}
    classifier = make(Fixed(0.5, findings=(OURS, ADDED)), thresholds=Thresholds.load(own(tmp_path, votes=votes)))
    found = classifier.detect(PICTURE)
    assert found.p_synthetic == pytest.approx(0.75, abs=1e-4)
    assert found.interval == (found.p_synthetic, found.p_synthetic)
    assert found.calibration == "test/1+added@1"
    assert "member_not_counted" not in [reason.code for reason in found.reasons]
