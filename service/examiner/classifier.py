"""The classifiers behind one interface: an image becomes an `Inferred`, a file a `Detection`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors import OUT_OF_SCOPE, PHOTOGRAPHIC, Encoder, Inference, Prepared, Synthetic
from models import ModelError
from service.examiner.ensemble import DIGITS, Vote, pooled, shifted
from service.examiner.inference import ClassifierReason, DetectorFinding, Inferred, KindRates
from service.examiner.policy import Verdict
from service.examiner.sections import Reason
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.media.pictures import ImageLimits, Picture, decode_first

_REASON = {
    Verdict.LIKELY_SYNTHETIC: ClassifierReason.SYNTHETIC,
    Verdict.LIKELY_CAMERA: ClassifierReason.CAMERA,
    Verdict.INCONCLUSIVE: ClassifierReason.UNDECIDED,
}

Probability = Annotated[float, Field(ge=0, le=1)]


class Detection(Inferred):
    """What the classifiers say about one file."""

    file: str = Field(description="The name the file was given by; `-` if there was none.")
    sha256: str
    frames: int = Field(1, description="Images in the file (frames, pages). The first was judged.")


@dataclass(frozen=True, slots=True)
class Source:
    """The file that an image is from: its SHA-256 in hex, and how many images it holds."""

    sha256: str
    frames: int


def detection(inferred: Inferred, name: str, source: Source) -> Detection:
    """The classifiers' answer for an image, with its file."""
    return Detection(**dict(inferred), file=name, sha256=source.sha256, frames=source.frames)


class Thresholds(BaseModel):
    """Thresholds measured on an operator's own images; they hold for one calibration only.

    `synthetic_above` maps a false-positive rate (`0.05`) to the probability that this share of real images exceeds;
    `camera_below`: 5 % of synthetic images lie below. `votes`: the weight of each added classifier, by the digest in
    its finding; one without a vote is shown and does not count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: str
    synthetic_above: dict[str, Probability]
    camera_below: Probability
    votes: dict[str, Vote] = {}

    @classmethod
    def load(cls, path: Path) -> "Thresholds":
        """Raises Misconfigured if the file cannot be read or is not a threshold file."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as gone:
            raise Misconfigured(f"thresholds {path} cannot be read: {gone.strerror}") from gone
        except ValidationError as bad:
            raise Misconfigured(f"thresholds {path} is not a threshold file: {bad.error_count()} errors") from bad


class Classifier:
    """Scores images and says what the scores mean. Thread-safe; no torch."""

    def __init__(
        self, detector: Synthetic, limits: ImageLimits, threshold_fpr: float, thresholds: Thresholds | None = None
    ) -> None:
        self._detector = detector
        self._limits = limits
        self._fpr = threshold_fpr
        self._thresholds = thresholds

    @property
    def encoder(self) -> Encoder | None:
        """The encoder in use, if it has been pulled."""
        return self._detector.encoder

    def infer(self, picture: Picture, threshold_fpr: float | None = None) -> Inferred:
        """What the classifiers say about an image, by thresholds for `threshold_fpr` (default: the setting's).

        Raises:
            BadRequest: there is no threshold for that rate.
            Unavailable: a classifier failed; a guess would be worse than no answer.
        """
        (inference,) = self.judge([self.prepare(picture)])
        return self.say(inference, threshold_fpr)

    def prepare(self, picture: Picture) -> Prepared:
        """What the classifiers need of an image: a small part of its memory."""
        return self._detector.prepare(picture.rgb, picture.jpeg_quality)

    def judge(self, pictures: Sequence[Prepared]) -> list[Inference]:
        """The slow part, for several images at once. Raises Unavailable if a classifier fails."""
        try:
            return self._detector.judge(pictures)
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault

    def say(self, inference: Inference, threshold_fpr: float | None = None) -> Inferred:
        """What an inference means, by the thresholds. Raises BadRequest as `infer`."""
        return self._judged(inference, self._fpr if threshold_fpr is None else threshold_fpr)

    def check_rate(self, threshold_fpr: float | None) -> None:
        """Raises BadRequest if no threshold is known for the rate; called before any image is judged."""
        table = self._thresholds.synthetic_above if self._thresholds else self._detector.synthetic_above
        _threshold(table, self._fpr if threshold_fpr is None else threshold_fpr)

    def detect(self, data: bytes, name: str = "-", threshold_fpr: float | None = None) -> Detection:
        """The same for a file; of animations and documents, for the first image.

        Raises:
            InputError: the bytes are not an image that can be read (see `pictures.decode_first`).
            BadRequest, Unavailable: as `infer`.
        """
        picture = decode_first(data, self._limits)
        return detection(self.infer(picture, threshold_fpr), name, Source(picture.sha256, picture.frames))

    def read(self, data: bytes) -> tuple[Prepared, Source]:
        """A file prepared for `judge`, and what it was. Raises InputError as `detect`."""
        picture = decode_first(data, self._limits)
        return self.prepare(picture), Source(picture.sha256, picture.frames)

    def heatmap(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The image's working copy (uint8, h x w x 3) and where it looks generated (float32, h x w, 0..1).

        Raises:
            InputError, Unavailable: as `detect`.
        """
        picture = decode_first(data, self._limits)
        try:
            return self._detector.heatmap(picture.rgb)
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault

    def _judged(self, inference: Inference, fpr: float) -> Inferred:
        above, below = self._limits_for(inference, fpr)
        findings = [
            DetectorFinding(detector=f.detector, score=round(f.score, DIGITS), model=f.model, digest=f.digest)
            for f in inference.findings
        ]
        votes = self._thresholds.votes if self._thresholds else {}
        p = pooled(inference.p_synthetic, findings, votes) if votes else inference.p_synthetic
        low, high = (shifted(edge, inference.p_synthetic, p) for edge in inference.interval)
        verdict = verdict_of(p, inference.out_of_scope, above, below)
        reasons = [_reason(inference, verdict, above)]
        reasons += [] if inference.complete else [ClassifierReason.ENCODER_MISSING]
        reasons += [ClassifierReason.MEMBER_NOT_COUNTED] if any(f.digest not in votes for f in findings[1:]) else []
        return Inferred(
            state="available",
            verdict=verdict.value,
            p_synthetic=round(p, DIGITS),
            interval=(round(low, DIGITS), round(high, DIGITS)),
            threshold_fpr=fpr,
            synthetic_above=above,
            camera_below=below,
            kind=inference.rates.kind if inference.rates else None,
            kind_rates=None if self._thresholds else _rates(inference, fpr),
            findings=findings,
            calibration="+".join([inference.calibration, *(f.model for f in findings if f.digest in votes)]),
            warnings=[Reason(code=code, text=OUT_OF_SCOPE[code]) for code in inference.out_of_scope],
            reasons=[Reason.of(reason) for reason in reasons],
        )

    def _limits_for(self, inference: Inference, fpr: float) -> tuple[float | None, float]:
        """The thresholds of the operator's file, or else those of the image's kind (None: it has none)."""
        own = self._thresholds
        if own and own.calibration != inference.calibration:
            raise Misconfigured(
                f"the threshold file is for calibration {own.calibration}, not {inference.calibration}",
                hint="Run `countermark benchmark` again with --thresholds.",
            )
        if own:
            return _threshold(own.synthetic_above, fpr), own.camera_below
        _threshold(self._detector.synthetic_above, fpr)  # an unknown rate is refused; a kind without one is not
        return inference.synthetic_above.get(str(fpr)), inference.camera_below


def verdict_of(p: float, out_of_scope: Sequence[str], synthetic_above: float | None, camera_below: float) -> Verdict:
    """What a probability (0..1) means. Outside the scope that the classifiers were measured on it means nothing.

    `synthetic_above`: None for a kind of image whose false-positive rate cannot be held.
    """
    if out_of_scope:
        return Verdict.INCONCLUSIVE
    if synthetic_above is not None and p > synthetic_above:
        return Verdict.LIKELY_SYNTHETIC
    return Verdict.LIKELY_CAMERA if p < camera_below else Verdict.INCONCLUSIVE


def _reason(inference: Inference, verdict: Verdict, above: float | None) -> ClassifierReason:
    if inference.out_of_scope:
        return ClassifierReason.VOID
    if verdict is Verdict.INCONCLUSIVE and above is None:
        return ClassifierReason.KIND_UNMEASURED
    if verdict is Verdict.LIKELY_CAMERA and inference.rates and inference.rates.kind not in PHOTOGRAPHIC:
        return ClassifierReason.NOT_SYNTHETIC
    return _REASON[verdict]


def _rates(inference: Inference, fpr: float) -> KindRates | None:
    """What was measured for images of this kind at this setting; nothing was for an image outside the scope."""
    measured = inference.rates
    if measured is None or inference.out_of_scope or str(fpr) not in measured.recall:
        return None
    return KindRates(
        real=measured.real,
        synthetic=measured.synthetic,
        false_positives=measured.false_positives[str(fpr)],
        recall=measured.recall[str(fpr)],
    )


def _threshold(table: Mapping[str, float], fpr: float) -> float:
    if str(fpr) not in table:
        known = ", ".join(table)
        raise BadRequest(f"no threshold is known for a false-positive rate of {fpr}", hint=f"Choose from {known}.")
    return table[str(fpr)]
