"""Our watermark in the pixels, and the issued image that it leads to."""

from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.examiner.codes import ConflictCode, ReasonCode, Topic, holding
from service.examiner.examination import Examination, Sources, Trace
from service.examiner.known_marks import P_VALUE_LIMIT, KnownTrace, TraceKind
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import Issued, KnownMarkTrace, MarkPresence, WatermarkReading
from watermark import Codec
from watermark.c2pa.credentials import Credential
from watermark.c2pa.manifest import mark_id_of

_COVERED = 0.5
"""Share of the watermark's strength from which a place in the image counts as still carrying it."""


class MarkedReason(ReasonCode):
    FOUND = (
        "mark_found",
        Topic.WATERMARK,
        "The pixels carry our watermark.",
    )
    RESOLVED = (
        "mark_resolved",
        Topic.ISSUED_IMAGE,
        "The watermark leads to an image in the ledger.",
    )
    UNKNOWN_HERE = (
        "mark_unknown_here",
        Topic.ISSUED_IMAGE,
        "The watermark is genuine, but its image is not in this ledger.",
    )
    SAME_IMAGE = (
        "same_image",
        Topic.ISSUED_IMAGE,
        "The image looks like the one issued with this watermark; small edits cannot be ruled out.",
    )
    EDIT = (
        "mark_of_edit",
        Topic.ISSUED_IMAGE,
        "The image issued with this watermark is an edit of somebody's image: only part of it was generated here.",
    )
    PART_OF_ISSUED = (
        "part_of_issued_image",
        Topic.ISSUED_IMAGE,
        "The image is a part of the one issued with this watermark, or that image turned or edited.",
    )
    MOVED = (
        "mark_moved",
        Topic.ISSUED_IMAGE,
        "The watermark was issued on a clearly different image and moved here: it says nothing about this one.",
    )
    DIFFERENT_IMAGE = (
        "different_image",
        Topic.ISSUED_IMAGE,
        "The image is not the one issued with this watermark: it was cropped or changed, or the watermark was copied.",
    )
    SAME_IMAGE_UNDECIDED = (
        "same_image_undecided",
        Topic.ISSUED_IMAGE,
        "The image has too few features to tell whether it is the issued one.",
    )
    SEVERAL = (
        "several_marks",
        Topic.WATERMARK,
        "The pixels carry several of our watermarks: the image was marked again, or put together from several images.",
    )
    KNOWN = (
        "known_mark_found",
        Topic.ISSUED_IMAGE,
        "The image carries the watermark of an issued image that it looks like, too faint for its number to be read.",
    )
    SUBTRACTED = (
        "mark_subtracted",
        Topic.WATERMARK,
        "The watermark of an issued image that this one looks like was subtracted from it.",
    )
    PRESENCE = (
        "mark_presence",
        Topic.WATERMARK,
        "The pixels carry the template that all our watermarks share, and none can be read: that shows no origin.",
    )


class MarkedConflict(ConflictCode):
    ON_OTHER_IMAGE = (
        "mark_on_other_image",
        Topic.WATERMARK,
        "The watermark belongs to another image.",
    )
    NOT_THE_CREDENTIALS = (
        "mark_is_not_the_credentials",
        Topic.WATERMARK,
        "The credential names another watermark than the pixels carry.",
    )


class MarkedLane(Lane[list[WatermarkReading]]):
    """Our own watermark."""

    field = "marked"
    reasons = MarkedReason
    conflicts = MarkedConflict
    does_not_prove = (
        "A mark shows where pixels were generated, not who published them; "
        "without one, an image may still be generated."
    )

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def find(self, examination: Examination) -> Finding[list[WatermarkReading]]:
        return finding(examination.trace, examination.credential)

    @staticmethod
    def owns(element: WatermarkReading) -> bool:
        return element.codec in Codec.ALGORITHMS.values()

    @staticmethod
    def lines(section: list[WatermarkReading]) -> Iterator[str]:
        for mark in section:
            yield from _lines(mark)

    def heatmap(self, examination: Examination) -> NDArray[np.float32] | None:
        """How much of our watermark is left at each place; see `Reading.coverage`."""
        reading = examination.trace.reading
        return None if reading is None else reading.coverage


def finding(trace: Trace, credential: Credential) -> Finding[list[WatermarkReading]]:
    """What a watermark shows, given where it leads and which watermark the file's credential names."""
    marked, resolved = trace.reading is not None, trace.issue is not None
    bound = {mark_id_of(b.value) for b in credential.soft_bindings if b.algorithm in Codec.ALGORITHMS.values()}
    known = [each for each in trace.known if each.kind is TraceKind.CARRIED]
    alike = [each for each in known if each.same_image]
    moved = all(each.moved for each in (trace, *trace.others))
    signals = {
        Signal.OWN_MARK: marked or bool(known),
        Signal.GENERATOR_MARK: (marked and not moved) or bool(alike),  # a moved mark accuses no picture
        Signal.ISSUED_IMAGE: trace.same_image is True or bool(alike),
        Signal.EDITED_IMAGE: (trace.same_image is True and trace.edit is not None)
        or any(each.edit is not None for each in alike),
    }
    reasons: dict[ReasonCode, bool] = {
        MarkedReason.FOUND: marked,
        MarkedReason.RESOLVED: resolved,
        MarkedReason.UNKNOWN_HERE: marked and not resolved,
        MarkedReason.SAME_IMAGE: trace.same_image is True,
        MarkedReason.EDIT: trace.edit is not None or any(each.edit is not None for each in alike),
        MarkedReason.PART_OF_ISSUED: trace.part,
        MarkedReason.MOVED: trace.moved,
        MarkedReason.DIFFERENT_IMAGE: trace.same_image is False and not trace.part and not trace.moved,
        MarkedReason.SAME_IMAGE_UNDECIDED: resolved and trace.same_image is None,
        MarkedReason.SEVERAL: bool(trace.others),
        MarkedReason.KNOWN: bool(known),
        MarkedReason.SUBTRACTED: any(each.kind is TraceKind.SUBTRACTED for each in trace.known),
        MarkedReason.PRESENCE: not known and trace.presence is not None and trace.presence.p_value <= P_VALUE_LIMIT,
    }
    conflicts: dict[ConflictCode, bool] = {
        MarkedConflict.ON_OTHER_IMAGE: trace.same_image is False and not trace.part,
        MarkedConflict.NOT_THE_CREDENTIALS: (
            marked
            and bool(bound)
            and not bound & {each.reading.mark_id for each in (trace, *trace.others) if each.reading}
        ),
    }
    section = [_reading(each) for each in (trace, *trace.others)]
    return Finding(section, frozenset(holding(signals)), holding(reasons), holding(conflicts))


def _reading(trace: Trace) -> WatermarkReading:
    if trace.reading is None:
        presence = trace.presence and MarkPresence(score=round(trace.presence.score, 1), p_value=trace.presence.p_value)
        known = [_known(each) for each in trace.known] or None
        return WatermarkReading(codec=Codec.ALGORITHM, present=False, presence=presence, known=known)
    comparison = trace.comparison
    return WatermarkReading(
        codec=Codec.ALGORITHMS[trace.reading.payload_version],
        present=True,
        mark_id=f"{trace.reading.mark_id:012x}",
        confidence=trace.reading.confidence,
        issued=Issued.of(trace.issue, trace.edit) if trace.issue else None,
        same_image=trace.same_image,
        distance=trace.distance,
        resemblance=comparison.resemblance.value if comparison else None,
        agreement=comparison.agreement if comparison else None,
        shown=comparison.share if comparison else None,
        coverage=_covered(trace.reading.coverage),
    )


def _ids(trace: Trace) -> set[int]:
    """Of every mark that was read."""
    return {each.reading.mark_id for each in (trace, *trace.others) if each.reading is not None}


def _known(trace: KnownTrace) -> KnownMarkTrace:
    return KnownMarkTrace(
        kind=trace.kind.value,
        mark_id=f"{trace.issue.mark_id:012x}",
        issued=Issued.of(trace.issue, trace.edit),
        same_image=trace.same_image,
        message=round(trace.mark.message, 1),
        template=round(trace.mark.template, 1),
        p_value=trace.p_value,
    )


def _covered(cells: NDArray[np.float32]) -> float:
    """Share of the searched `cells` (float32[h, w]; NaN: not searched) that still carry the watermark.

    At least one was searched: the watermark was found there.
    """
    return float(np.mean(cells[~np.isnan(cells)] >= _COVERED))


def _lines(mark: WatermarkReading) -> Iterator[str]:
    if not mark.present:
        yield f"{mark.codec}: no mark"
        yield from _traces(mark)
        return
    yield f"{mark.codec}: {mark.mark_id}, confidence {mark.confidence:.2f}, in {mark.coverage:.0%} of the image"
    if mark.issued:
        yield f"issued here on {mark.issued.created_at} by {mark.issued.model} as {mark.issued.content_id}"
        if mark.issued.edit:
            yield mark.issued.edit.line
        same = {True: "same image", False: "another image", None: "cannot tell"}[mark.same_image]
        same = "a part or an edit of it" if mark.resemblance == "part" else same
        yield f"compared with the issued image: {same} ({mark.distance} of 256 bits differ)"


def _traces(mark: WatermarkReading) -> Iterator[str]:
    """What is left of marks that cannot be read."""
    if mark.presence and mark.presence.p_value <= P_VALUE_LIMIT:
        yield f"the template of our marks is heard: {mark.presence.score:.1f} sigma, p <= {mark.presence.p_value:.0e}"
    for each in mark.known or ():
        found = "carries" if each.kind == "carried" else "had subtracted"
        yield f"{found} the mark {each.mark_id}, {each.message:+.1f} sigma, p <= {each.p_value:.0e}"
        yield f"issued here on {each.issued.created_at} by {each.issued.model} as {each.issued.content_id}"
