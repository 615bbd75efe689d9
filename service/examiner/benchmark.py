"""The installed classifiers, measured on an operator's images: as stored, and as a platform would post them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.examiner import ensemble, metrics
from service.examiner.classifier import Classifier, Thresholds
from service.examiner.inference import Inferred
from service.kit.errors import BadRequest
from service.media.pictures import Picture

CONDITIONS = ("stored", "posted")
_LONG_SIDE, _QUALITY = 512, 75
_RATES = (0.05, 0.01)
_MISSED = 0.05
_LAST_DIGIT = 1e-4  # `Inferred` is rounded, the verdict is not: thresholds move by this to keep their rate
_FEWEST_REAL, _FEWEST_FAKE = 100, 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One scored image: the folder it came from, its class, the classifiers' answer in each condition, and what it
    shows in the operator's own words, if they said so."""

    group: str
    fake: bool
    inferred: dict[str, Inferred]
    kind: str | None = None


class Figures(BaseModel):
    """One condition over all images. Rates are those of this set."""

    condition: str
    real: int
    fake: int
    auroc: float
    auroc_interval: tuple[float, float]
    recall_at_5_percent: float
    recall_at_1_percent: float
    calibration_error: float
    decided: float = Field(description="Share of the images whose verdict is not `inconclusive`.")
    accuracy: float | None = Field(description="Share of those verdicts that are right. None: no image was decided.")


class Group(BaseModel):
    """One sub-folder. `auroc`: of a synthetic one, against every real image; `flagged`: share called synthetic."""

    group: str
    fake: bool
    pictures: int
    auroc: dict[str, float] | None
    flagged: dict[str, float]


class KindRow(BaseModel):
    """What images of one kind are called, by condition. A rate that no image of its class measures is None.

    `false_positives`: share of the real ones called synthetic, with its 95 % interval; `recall`: share of the
    synthetic ones called so; `undecided`: share of both that are `inconclusive`; `auroc`: within the kind.
    """

    kind: str
    real: int
    synthetic: int
    false_positives: dict[str, float] | None
    false_positives_interval: dict[str, tuple[float, float]] | None
    recall: dict[str, float] | None
    undecided: dict[str, float]
    auroc: dict[str, float] | None


class Benchmark(BaseModel):
    """What `countermark benchmark --json` prints."""

    calibration: str
    figures: list[Figures]
    groups: list[Group]
    kinds: list[KindRow]


def judge(classifier: Classifier, picture: Picture, group: str, fake: bool, kind: str | None = None) -> Sample:
    """Score one image in both conditions. Raises Unavailable if a classifier fails."""
    posted = Picture(_posted(picture.rgb), b"", "image/jpeg", picture.metadata, _QUALITY)
    return Sample(group, fake, {"stored": classifier.infer(picture), "posted": classifier.infer(posted)}, kind)


def summarise(samples: list[Sample]) -> Benchmark:
    """The figures. Raises BadRequest if a class has no images."""
    if not any(s.fake for s in samples) or all(s.fake for s in samples):
        raise BadRequest("a class has no image that can be read", hint="Give a folder of each class.")
    groups = sorted({(sample.fake, sample.group) for sample in samples})
    return Benchmark(
        calibration=_calibration(samples),
        figures=[_figures(samples, condition) for condition in CONDITIONS],
        groups=[_group(samples, name, fake) for fake, name in groups],
        kinds=[_kind(samples, name) for name in sorted({s.kind for s in samples if s.kind is not None})],
    )


def thresholds(samples: list[Sample]) -> Thresholds:
    """Thresholds for these images, over both conditions, and a vote for every classifier that an operator added.

    Raises:
        BadRequest: there are too few images.
    """
    check_enough([sample.fake for sample in samples])
    votes = {digest: _vote(samples, digest) for digest in _members(samples)}
    real, fake = (np.array([_counted(i, votes) for i in _both(samples, of)]) for of in (False, True))
    above = {str(rate): min(1.0, metrics.threshold(real, rate) + _LAST_DIGIT) for rate in _RATES}
    missed = max(0.0, float(np.quantile(fake, _MISSED)) - _LAST_DIGIT)
    return Thresholds(calibration=_calibration(samples), synthetic_above=above, camera_below=missed, votes=votes)


def check_enough(fake: Sequence[bool]) -> None:
    """Raises BadRequest if there are too few images of a class for thresholds."""
    synthetic = sum(fake)
    real = len(fake) - synthetic
    if real < _FEWEST_REAL or synthetic < _FEWEST_FAKE:
        raise BadRequest(
            f"{real} real and {synthetic} synthetic images are too few for thresholds",
            hint=f"Give at least {_FEWEST_REAL} real and {_FEWEST_FAKE} synthetic ones.",
        )


def scores(samples: Iterable[Sample], condition: str, fake: bool) -> metrics.Scores:
    """p_synthetic (float64, N) of one class in one condition."""
    return np.array([s.inferred[condition].p_synthetic for s in samples if s.fake is fake], np.float64)


def _posted(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most 512 px on the longer side, saved as JPEG quality 75 and read back."""
    scale = min(1.0, _LONG_SIDE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)  # our own bytes, written a line above
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def _figures(samples: list[Sample], condition: str) -> Figures:
    real, fake = scores(samples, condition, False), scores(samples, condition, True)
    decided = [s for s in samples if s.inferred[condition].verdict != "inconclusive"]
    return Figures(
        condition=condition,
        real=len(real),
        fake=len(fake),
        auroc=metrics.auroc(real, fake),
        auroc_interval=metrics.auroc_interval(real, fake),
        recall_at_5_percent=metrics.recall(real, fake, 0.05),
        recall_at_1_percent=metrics.recall(real, fake, 0.01),
        calibration_error=metrics.calibration_error(real, fake),
        decided=len(decided) / len(samples),
        accuracy=sum(_is_right(s, condition) for s in decided) / len(decided) if decided else None,
    )


def _is_right(sample: Sample, condition: str) -> bool:
    return sample.inferred[condition].verdict == ("likely_synthetic" if sample.fake else "likely_camera")


def _kind(samples: list[Sample], name: str) -> KindRow:
    own = [sample for sample in samples if sample.kind == name]
    real, fake = ([s for s in own if s.fake is of] for of in (False, True))

    def share(of: list[Sample], verdict: str) -> dict[str, float]:
        return {c: float(np.mean([s.inferred[c].verdict == verdict for s in of])) for c in CONDITIONS}

    flagged = share(real, "likely_synthetic") if real else None
    return KindRow(
        kind=name,
        real=len(real),
        synthetic=len(fake),
        false_positives=flagged,
        false_positives_interval={c: metrics.wilson(round(rate * len(real)), len(real)) for c, rate in flagged.items()}
        if flagged
        else None,
        recall=share(fake, "likely_synthetic") if fake else None,
        undecided=share(own, "inconclusive"),
        auroc={c: metrics.auroc(scores(real, c, False), scores(fake, c, True)) for c in CONDITIONS}
        if real and fake
        else None,
    )


def _group(samples: list[Sample], name: str, fake: bool) -> Group:
    own = [sample for sample in samples if (sample.group, sample.fake) == (name, fake)]

    def each(of: Callable[[str], float]) -> dict[str, float]:
        return {condition: of(condition) for condition in CONDITIONS}

    def against_real(condition: str) -> float:
        return metrics.auroc(scores(samples, condition, False), scores(own, condition, True))

    def flagged(condition: str) -> float:
        return float(np.mean([s.inferred[condition].verdict == "likely_synthetic" for s in own]))

    return Group(
        group=name,
        fake=fake,
        pictures=len(own),
        auroc=each(against_real) if fake else None,
        flagged=each(flagged),
    )


def _both(samples: list[Sample], fake: bool) -> list[Inferred]:
    """The classifiers' answers for one class, as stored and then as posted."""
    return [sample.inferred[condition] for condition in CONDITIONS for sample in samples if sample.fake is fake]


def _members(samples: list[Sample]) -> list[str]:
    """The digests of the classifiers that an operator added; the first finding is ours."""
    return [finding.digest for finding in samples[0].inferred["stored"].findings[1:]]


def _vote(samples: list[Sample], digest: str) -> ensemble.Vote:
    def scored(fake: bool) -> metrics.Scores:
        return np.array([f.score for i in _both(samples, fake) for f in i.findings if f.digest == digest], np.float64)

    return ensemble.fit(scored(False), scored(True))


def _counted(inferred: Inferred, votes: dict[str, ensemble.Vote]) -> float:
    p = inferred.p_synthetic or 0.0
    return ensemble.pooled(p, inferred.findings, votes) if votes else p


def _calibration(samples: list[Sample]) -> str:
    return samples[0].inferred["stored"].calibration or ""
