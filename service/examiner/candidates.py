"""What can be on trial: a next version of our own detector's heads, or a classifier of somebody else."""

from detectors import SYNTHETIC_DETECTION, Encoder, Member, Prepared, Synthetic
from models import Card, ModelError
from service.examiner.classifier import verdict_of
from service.examiner.shadow import Candidate, CandidateScore
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import added_cards
from service.kit.settings import Settings

_HEAD = "head.onnx"


def is_next_version(card: Card) -> bool:
    """Whether a card has the files of the shipped detector: heads and their calibration."""
    return _HEAD in card.files


def open_candidate(settings: Settings, encoder: Encoder | None) -> Candidate:
    """The model that the setting `shadow_card` names. `encoder`: the active detector's, whose features it takes.

    Raises:
        Misconfigured: no card of the operator's has that name and task.
        Unavailable: its files are missing, altered or cannot be loaded.
    """
    cards = {card.name: card for card in added_cards(SYNTHETIC_DETECTION, settings)}
    card = cards.get(settings.shadow_card or "")
    if card is None:
        raise Misconfigured(
            f"no card of task {SYNTHETIC_DETECTION.name} is named {settings.shadow_card}",
            hint="Put the candidate's card and files into `cards` in the home folder.",
        )
    try:
        if is_next_version(card):
            return NextVersion(Synthetic(encoder, card), settings.threshold_fpr)
        return OtherClassifier(SYNTHETIC_DETECTION.open(card))
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


class NextVersion:
    """Heads in the shipped format, on the active encoder's features or on its own network's."""

    def __init__(self, detector: Synthetic, threshold_fpr: float) -> None:
        self._detector = detector
        self._rate = str(threshold_fpr)

    def __call__(self, prepared: Prepared) -> CandidateScore:
        """Calibrated, with the verdict that it would give. Raises ModelFault."""
        own = Prepared(prepared.working, prepared.out_of_scope, ())
        (inference,) = self._detector.judge([own])
        above = inference.synthetic_above.get(self._rate)
        verdict = verdict_of(inference.p_synthetic, inference.out_of_scope, above, inference.camera_below)
        return CandidateScore(inference.calibration, inference.p_synthetic, verdict.value)


class OtherClassifier:
    """A classifier of somebody else. It sees the working copy of the image: at most 717 px on the shorter side."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def __call__(self, prepared: Prepared) -> CandidateScore:
        """Not calibrated, so without a verdict. Raises ModelFault."""
        (finding,) = self._member.judge([self._member.prepare(prepared.working)])
        return CandidateScore(f"{finding.model}/{finding.digest[:12]}", finding.score, None)
