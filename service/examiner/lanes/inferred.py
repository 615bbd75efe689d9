"""What the classifiers infer from the pixels."""

from collections.abc import Callable, Iterator
from typing import Self

from detectors import KINDS
from service.examiner.codes import holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.inference import ClassifierReason, Inferred, KindRates
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import Reason
from service.kit.errors import Misconfigured, Unavailable
from service.media.pictures import Picture


class InferredLane(Lane[Inferred]):
    """Classifiers of synthetic images."""

    field = "inferred"
    reasons = ClassifierReason
    does_not_prove = "A score is a guess from pixels and is wrong at the rate given."

    def __init__(self, infer: Callable[[Picture], Inferred]) -> None:
        self._infer = infer

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(sources.infer)

    def find(self, examination: Examination) -> Finding[Inferred]:
        """Classifiers that cannot be used are no error: the section says why."""
        if not examination.classify:
            return finding(Inferred(state="not_asked"))
        try:
            return finding(self._infer(examination.picture))
        except (Unavailable, Misconfigured) as error:
            reason = Reason(code=ClassifierReason.UNAVAILABLE.value, text=error.message)
            return finding(Inferred(state="not_available", reasons=[reason]))

    def find_without_pixels(self, file: FileExamination) -> Finding[Inferred]:
        return finding(Inferred(state="not_examined"))

    @staticmethod
    def lines(section: Inferred) -> Iterator[str]:
        if section.p_synthetic is None or section.interval is None:
            yield section.state.replace("_", " ")
        else:
            low, high = section.interval
            yield f"{section.verdict}: p(synthetic) {section.p_synthetic:.2f}, 90 % interval {low:.2f} to {high:.2f}"
            if section.kind_rates:
                yield measured(section.kind, section.kind_rates)
            elif section.synthetic_above is not None:
                yield f"{section.threshold_fpr:.0%} of real images score above {section.synthetic_above:.2f}"
        for score in section.findings:
            yield f"{score.detector}: {score.score:.2f} by {score.model}"
        for reason in (*section.warnings, *section.reasons):
            yield reason.text


def measured(kind: str | None, rates: KindRates) -> str:
    """How often this verdict is wrong for images of this kind, in a sentence."""
    return (
        f"Taken for {KINDS.get(kind or '', 'images')}, {rates.false_positives:.1%} of {rates.real} real images and "
        f"{rates.recall:.0%} of {rates.synthetic} synthetic ones were called synthetic at this setting"
    )


def finding(inferred: Inferred) -> Finding[Inferred]:
    """What the classifiers' verdict shows. Their reasons stay beside the score, in the section."""
    signals = {
        Signal.SCORED_SYNTHETIC: inferred.verdict == "likely_synthetic",
        Signal.SCORED_CAMERA: inferred.verdict == "likely_camera",
    }
    return Finding(inferred, frozenset(holding(signals)))
