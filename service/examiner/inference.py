"""What the classifiers say about one image, as reports and `countermark detect` give it."""

from typing import Literal

from pydantic import Field

from service.examiner.codes import ReasonCode, Topic
from service.examiner.sections import Reason, ReportModel


class DetectorFinding(ReportModel):
    """One classifier's answer: its uncalibrated score in 0..1, and the weights that gave it."""

    detector: str
    score: float
    model: str
    digest: str


class KindRates(ReportModel):
    """What held-out images that the classifiers took for this kind were called at this setting."""

    real: int = Field(description="Real images of this kind that were measured.")
    synthetic: int = Field(description="Synthetic images of this kind that were measured.")
    false_positives: float = Field(description="Share of the real ones that was called synthetic.")
    recall: float = Field(description="Share of the synthetic ones that was called synthetic.")


class Inferred(ReportModel):
    """What classifiers say.

    `not_available`: none could be loaded. `not_asked`: the caller did not want a score.
    `not_examined`: the file's pixels cannot be decoded here. None of them has a score.
    """

    state: Literal["available", "not_available", "not_asked", "not_examined"]
    verdict: Literal["likely_synthetic", "inconclusive", "likely_camera"] | None = None
    p_synthetic: float | None = Field(
        None, description="Probability, calibrated on sources held out of training, half of them synthetic."
    )
    interval: tuple[float, float] | None = Field(None, description="90 % interval of p_synthetic over sources.")
    threshold_fpr: float | None = Field(None, description="Share of real images that would be called synthetic.")
    synthetic_above: float | None = Field(
        None, description="Threshold for images of this kind. None: its rate cannot be held, so no such verdict."
    )
    camera_below: float | None = None
    kind: str | None = Field(None, description="What the classifiers take the image for: portrait, night, ...")
    kind_rates: KindRates | None = Field(
        None, description="How often this verdict is wrong for this kind. None: not measured, or own thresholds apply."
    )
    findings: list[DetectorFinding] = []
    generator_family: str | None = Field(
        None, description="Always empty: on generators held out of training, pixels did not identify the family."
    )
    calibration: str | None = None
    examination: str | None = Field(
        None, description="Id of this answer's record, for POST /v1/feedback. None: it was not recorded."
    )
    warnings: list[Reason] = Field([], description="Why the figures may not hold; then the verdict is inconclusive.")
    reasons: list[Reason] = []


class ClassifierReason(ReasonCode):
    """Reasons that stand beside the score, not among the report's own."""

    SYNTHETIC = (
        "classifiers_synthetic",
        Topic.CLASSIFIERS,
        "The classifiers score the image above the threshold for synthetic images.",
    )
    CAMERA = (
        "classifiers_camera",
        Topic.CLASSIFIERS,
        "The classifiers score the image in a range where few synthetic images lie.",
    )
    NOT_SYNTHETIC = (
        "classifiers_not_synthetic",
        Topic.CLASSIFIERS,
        "The classifiers score the image in a range where few synthetic images lie. It looks like no photograph, so "
        "`likely_camera` only says: drawn, painted, rendered or captured, not generated.",
    )
    UNDECIDED = (
        "classifiers_undecided",
        Topic.CLASSIFIERS,
        "The classifiers cannot tell: the score lies between the thresholds.",
    )
    VOID = (
        "classifiers_void",
        Topic.CLASSIFIERS,
        "The classifiers were not measured on images like this one, so their score decides nothing.",
    )
    KIND_UNMEASURED = (
        "classifiers_kind_unmeasured",
        Topic.CLASSIFIERS,
        "For images of this kind the classifiers cannot keep this false-positive rate, so they call none synthetic.",
    )
    UNAVAILABLE = (
        "classifiers_unavailable",
        Topic.CLASSIFIERS,
        "The classifiers cannot be used; the text says why.",
    )
    MEMBER_NOT_COUNTED = (
        "member_not_counted",
        Topic.CLASSIFIERS,
        "A classifier you added is shown but does not count yet: `countermark benchmark --thresholds` measures its "
        "weight.",
    )
    ENCODER_MISSING = (
        "encoder_missing",
        Topic.CLASSIFIERS,
        "Only the small network was used: `countermark models pull clip-vit-b16` adds the stronger one.",
    )
