"""The marks of issued images that this one looks like, where no id can be read from it.

Strong compression or denoising can take so much of a watermark that its id is lost while a trace of it is left. The
look of an image names the issued ones that it may be, and for each the watermark asks for its mark alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from detectors import Fingerprint
from service.examiner.policy import LOWEST_FINGERPRINT_QUALITY, same_image
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue, Ledger
from watermark import Codec, KnownMark

CANDIDATE_DISTANCE = 60
"""PDQ bits within which an issued image is asked about: more than for a match, as heavy changes of tone need. Unrelated
images start near 90."""
MOST_CANDIDATES = 5
P_VALUE_LIMIT = 1e-6
"""p-value up to which a trace counts, over all candidates of an image; benchmarks/watermark_known.py measures how many
unmarked images reach it."""


class TraceKind(StrEnum):
    """What is left of a known mark."""

    CARRIED = "carried"
    SUBTRACTED = "subtracted"


@dataclass(frozen=True, slots=True)
class KnownTrace:
    """What is left of the mark of one issued image. `p_value`: for all candidates together, at most 1."""

    kind: TraceKind
    issue: Issue
    same_image: bool | None
    edit: IssuedEdit | None
    mark: KnownMark
    p_value: float


def candidates_for(look: Fingerprint, ledger: Ledger) -> list[tuple[Issue, int]]:
    """Issued images that an image with the PDQ hash `look` may be, with the distance, nearest first.

    Raises:
        Unavailable: the ledger does not answer.
    """
    if look.quality < LOWEST_FINGERPRINT_QUALITY:
        return []
    return ledger.similar(look.bits, CANDIDATE_DISTANCE, MOST_CANDIDATES)


def known_traces(
    rgb: NDArray[np.uint8], look: Fingerprint, candidates: Sequence[Issue], codec: Codec, ledger: Ledger
) -> tuple[KnownTrace, ...]:
    """What `rgb` (uint8[H, W, 3]), whose PDQ hash is `look`, has left of the marks of `candidates`.

    Raises:
        Unavailable: the ledger does not answer.
    """
    asked = ((issue, codec.look_for(rgb, issue.mark_id, (issue.height, issue.width))) for issue in candidates)
    judged = ((issue, mark, *judge(mark, len(candidates))) for issue, mark in asked)
    return tuple(
        KnownTrace(
            kind,
            issue,
            same_image(look, issue.fingerprint, issue.fingerprint_quality),
            ledger.edit_of(issue.content_id),
            mark,
            p_value,
        )
        for issue, mark, kind, p_value in judged
        if kind is not None
    )


def judge(mark: KnownMark, candidates: int) -> tuple[TraceKind | None, float]:
    """What `mark`, one of so many that were looked for, shows, and with what p-value.

    A mark that was subtracted too strongly leaves a negative trace. In format two the template can be estimated from
    one image and the message cannot, so either may be negative.
    """
    message, template = (min(1.0, p * candidates) for p in (mark.p_value, mark.template_p_value))
    if mark.message > 0 and message <= P_VALUE_LIMIT:
        return TraceKind.CARRIED, message
    if mark.message < 0 and message <= P_VALUE_LIMIT:
        return TraceKind.SUBTRACTED, message
    if mark.template < 0 and template <= P_VALUE_LIMIT:
        return TraceKind.SUBTRACTED, template
    return None, message
