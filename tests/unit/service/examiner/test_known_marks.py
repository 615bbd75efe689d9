"""Marks that are too faint to be read are found on images that look like issued ones, and nowhere else."""

from typing import Any

import cv2
import numpy as np
import pytest

from detectors import fingerprint
from service.examiner.known_marks import MOST_CANDIDATES, P_VALUE_LIMIT, TraceKind, candidates_for, judge, known_traces
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.media.pictures import encode
from tests.support.gateway import ORDER
from watermark import Effort, KnownMark


@pytest.mark.parametrize(
    ("message", "template", "kind"),
    [
        (8.0, 5.0, TraceKind.CARRIED),
        (8.0, -9.0, TraceKind.CARRIED),
        (-8.0, 5.0, TraceKind.SUBTRACTED),
        (0.5, -8.0, TraceKind.SUBTRACTED),
        (0.5, 9.0, None),
        (4.0, -4.0, None),
    ],
)
def test_what_a_trace_shows(message: float, template: float, kind: TraceKind | None) -> None:
    assert judge(KnownMark(message, template, 16), 1)[0] is kind


def test_more_candidates_ask_for_more() -> None:
    mark = KnownMark(6.1, 0.0, 4)
    assert judge(mark, 1)[0] is TraceKind.CARRIED
    assert judge(mark, 100)[0] is None
    assert judge(mark, 100)[1] == pytest.approx(100 * mark.p_value)
    assert P_VALUE_LIMIT < 1e-5


def test_an_issued_image_is_found_again_when_its_id_is_lost(gateway: Gateway, installation: Installation) -> None:
    released = gateway.release(ORDER)
    blurred = cv2.GaussianBlur(released.proven.signed.marked.imprint.rgb, (0, 0), 4.0)
    report = installation.examiner.examine(encode(np.asarray(blurred, np.uint8), "png")[0], effort=Effort.FAST)
    mark = report.marked[0]
    assert not mark.present
    assert mark.known is not None
    (trace,) = mark.known
    assert (trace.kind, trace.mark_id) == ("carried", f"{released.admitted.mark_id:012x}")
    assert trace.issued.content_id == released.admitted.content_id
    assert trace.same_image
    assert (report.verdict, report.outcome) == ("issued_here", "verified")
    assert "known_mark_found" in [reason.code for reason in report.reasons]


def test_the_draft_that_was_never_marked_carries_nothing(gateway: Gateway, installation: Installation) -> None:
    draft = gateway.release(ORDER).proven.signed.marked.cleared.draft.rgb
    look = fingerprint(draft)
    candidates = [issue for issue, _ in candidates_for(look, installation.ledger)]
    assert candidates
    assert known_traces(draft, look, candidates, installation.codec, installation.ledger) == ()


def test_an_image_without_features_has_no_candidates(installation: Installation) -> None:
    flat, nobody = np.full((256, 256, 3), 90, np.uint8), object()
    unasked: Any = nobody
    assert candidates_for(fingerprint(flat), unasked) == []
    assert known_traces(flat, fingerprint(flat), [], installation.codec, unasked) == ()
    assert MOST_CANDIDATES > 1
