"""Screen: every check of the generated pixels must pass."""

from typing import Protocol

from service.gateway.edit_extent import check_changed
from service.gateway.execution import ReleaseObserver, stage
from service.gateway.screening import Screening, ScreeningCriteria
from service.gateway.stages.mark import MarkStage
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.types import Admitted, Cleared, Draft
from service.kit.errors import LikenessHeld

_cleared = claim_constructor(Cleared)


class Hold(Protocol):
    """Keeps a draft for an operator to review."""

    def __call__(self, draft: Draft, refusal: LikenessHeld) -> LikenessHeld:
        """The refusal to raise: it says how to ask for the image later, if it could be kept."""


class ScreenStage:
    """Draft -> Cleared."""

    def __init__(self, screening: Screening, mark: MarkStage, hold: Hold, min_edit_area: float) -> None:
        """`min_edit_area`: the least share of its input that an edit must change, 0..1."""
        self._screening = screening
        self._mark = mark
        self._hold = hold
        self._min_edit_area = min_edit_area

    def __call__(self, draft: Draft, observer: ReleaseObserver) -> Cleared:
        """Run every check. Watermarking starts beside them; its result is dropped if a check refuses.

        Raises:
            Refusal: a check refused, or did not give a usable answer.
        """
        criteria = _criteria(require_sealed(draft, Draft).admitted)
        with stage("screen", observer):
            marking = self._mark.start(draft)
            try:
                findings = self._screening.generated(draft.rgb, criteria)
                if draft.edit:
                    check_changed(draft.edit, self._min_edit_area)
                return _cleared(draft, findings, marking)
            except LikenessHeld as held:
                raise self._hold(draft, held) from held


def _criteria(admitted: Admitted) -> ScreeningCriteria:
    return ScreeningCriteria(
        granted={grant.subject for grant in admitted.grants},
        threshold=admitted.safety_threshold,
        review=admitted.client.review_distance,
        reviewed=admitted.review.subjects if admitted.review else (),
        excluded=[adapter.excluded for adapter in admitted.adapters if adapter.excluded],
    )
