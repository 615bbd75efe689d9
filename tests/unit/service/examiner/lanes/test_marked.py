import pytest

from service.examiner.examination import Trace
from service.examiner.known_marks import KnownTrace, TraceKind
from service.examiner.lanes.marked import MarkedLane, finding
from service.examiner.policy import Signal
from service.examiner.resemblance import Comparison, Resemblance
from service.examiner.sections import WatermarkReading
from service.ledger.issued_edit import IssuedEdit
from tests.support.credentials import read
from tests.support.evidence import issue, reading, shown
from watermark import Codec, KnownMark, Presence
from watermark.c2pa.credentials import SoftBinding
from watermark.c2pa.manifest import soft_binding_value

ABSENT = read("absent")
MARK = {Signal.OWN_MARK, Signal.GENERATOR_MARK}


@pytest.mark.parametrize(
    ("trace", "signals", "reasons", "conflicts"),
    [
        (Trace(), set(), [], []),
        (Trace(reading(1)), MARK, ["mark_found", "mark_unknown_here"], []),
        (
            Trace(reading(1), issue(), True, 3),
            MARK | {Signal.ISSUED_IMAGE},
            ["mark_found", "mark_resolved", "same_image"],
            [],
        ),
        (
            Trace(reading(1), issue(), False, 120),
            MARK,
            ["mark_found", "mark_resolved", "different_image"],
            ["mark_on_other_image"],
        ),
        (Trace(reading(1), issue(), None, 3), MARK, ["mark_found", "mark_resolved", "same_image_undecided"], []),
    ],
)
def test_where_a_watermark_leads(trace: Trace, signals: set[Signal], reasons: list[str], conflicts: list[str]) -> None:
    found = finding(trace, ABSENT)
    assert shown(found) == (signals, reasons, conflicts)


@pytest.mark.parametrize(
    ("algorithm", "bound", "conflicts"),
    [
        (Codec.ALGORITHM, 1, []),
        (Codec.ALGORITHM, 2, ["mark_is_not_the_credentials"]),
        ("org.countermark.tile.1", 2, ["mark_is_not_the_credentials"]),
        ("com.adobe.trustmark.P", 2, []),
    ],
)
def test_the_credential_must_name_this_watermark(algorithm: str, bound: int, conflicts: list[str]) -> None:
    credential = read("trusted", soft_bindings=(SoftBinding(algorithm, soft_binding_value(bound)),))
    assert shown(finding(Trace(reading(1)), credential))[2] == conflicts
    assert shown(finding(Trace(), credential))[2] == []


@pytest.mark.parametrize(
    ("resemblance", "signals", "reason", "conflicts"),
    [
        (Resemblance.OTHER, {Signal.OWN_MARK}, "mark_moved", ["mark_on_other_image"]),
        (Resemblance.PART, MARK, "part_of_issued_image", []),
        (Resemblance.UNDECIDED, MARK, "different_image", ["mark_on_other_image"]),
    ],
)
def test_a_moved_mark_accuses_nobody(
    resemblance: Resemblance, signals: set[Signal], reason: str, conflicts: list[str]
) -> None:
    compared = Comparison(resemblance, False, 120, 1.5, 0.9)
    found = finding(Trace(reading(1), issue(), False, 120, None, compared), ABSENT)
    assert shown(found) == (signals, ["mark_found", "mark_resolved", reason], conflicts)
    (mark,) = found.section
    assert (mark.resemblance, mark.agreement, mark.shown) == (resemblance.value, 1.5, 0.9)


def test_an_old_mark_names_its_algorithm() -> None:
    (mark,) = finding(Trace(reading(1, version=1)), ABSENT).section
    assert mark.codec == "org.countermark.tile.1"
    assert MarkedLane.owns(mark)


def test_the_section() -> None:
    (mark,) = finding(Trace(reading(0xABC, coverage=0.4), issue(), True, 3), ABSENT).section
    assert (mark.codec, mark.present, mark.mark_id) == (Codec.ALGORITHM, True, "000000000abc")
    assert (mark.confidence, mark.coverage, mark.distance) == (0.9, 0.0, 3)  # 0.4 is too weak to count as marked
    assert mark.issued is not None
    assert mark.issued.content_id == "urn:uuid:1"
    assert finding(Trace(), ABSENT).section == [WatermarkReading(codec=Codec.ALGORITHM, present=False)]


@pytest.mark.parametrize(("same", "text"), [(True, "same image"), (False, "another image"), (None, "cannot tell")])
def test_lines(same: bool | None, text: str) -> None:
    section = finding(Trace(reading(1), issue(), same, 3), ABSENT).section
    assert list(MarkedLane.lines(section)) == [
        f"{Codec.ALGORITHM}: 000000000001, confidence 0.90, in 100% of the image",
        "issued here on 2026-01-01T00:00:00+00:00 by painter@1 as urn:uuid:1",
        f"compared with the issued image: {text} (3 of 256 bits differ)",
    ]
    assert MarkedLane.owns(section[0])
    assert not MarkedLane.owns(WatermarkReading(codec="x", present=False))
    assert list(MarkedLane.lines(finding(Trace(), ABSENT).section)) == [f"{Codec.ALGORITHM}: no mark"]


def test_the_mark_of_an_edit_leads_to_an_edit() -> None:
    edit = IssuedEdit(65536, 900, 800, 8, 30.0)
    found = finding(Trace(reading(1), issue(), True, 3, edit), ABSENT)
    assert found.signals >= {Signal.ISSUED_IMAGE, Signal.EDITED_IMAGE}
    assert "mark_of_edit" in shown(found)[1]
    assert any("900 of 65,536 px generated" in line for line in MarkedLane.lines(found.section))
    elsewhere = finding(Trace(reading(1), issue(), False, 90, edit), ABSENT)
    assert Signal.EDITED_IMAGE not in elsewhere.signals


def trace_of(kind: TraceKind, same: bool | None, edit: IssuedEdit | None = None) -> Trace:
    mark = KnownMark(8.04 if kind is TraceKind.CARRIED else -8.04, 5.0, 24)
    return Trace(known=(KnownTrace(kind, issue(), same, edit, mark, 1e-9),))


@pytest.mark.parametrize(
    ("kind", "same", "signals", "reason"),
    [
        (TraceKind.CARRIED, True, MARK | {Signal.ISSUED_IMAGE}, "known_mark_found"),
        (TraceKind.CARRIED, False, {Signal.OWN_MARK}, "known_mark_found"),
        (TraceKind.CARRIED, None, {Signal.OWN_MARK}, "known_mark_found"),
        (TraceKind.SUBTRACTED, True, set(), "mark_subtracted"),
    ],
)
def test_what_is_left_of_a_known_mark(kind: TraceKind, same: bool | None, signals: set[Signal], reason: str) -> None:
    found = finding(trace_of(kind, same), ABSENT)
    assert shown(found) == (signals, [reason], [])
    (mark,) = found.section
    assert not mark.present
    assert mark.known is not None
    (known,) = mark.known
    assert (known.kind, known.mark_id, known.same_image, known.p_value) == (kind.value, "000000000001", same, 1e-9)
    assert (abs(known.message), known.template) == (8.0, 5.0)
    said = "carries" if kind is TraceKind.CARRIED else "had subtracted"
    assert any(f"{said} the mark 000000000001" in line for line in MarkedLane.lines(found.section))


def test_the_known_mark_of_an_edit_leads_to_an_edit() -> None:
    edit = IssuedEdit(65536, 900, 800, 8, 30.0)
    found = finding(trace_of(TraceKind.CARRIED, True, edit), ABSENT)
    assert Signal.EDITED_IMAGE in found.signals
    assert "mark_of_edit" in shown(found)[1]
    assert Signal.EDITED_IMAGE not in finding(trace_of(TraceKind.CARRIED, False, edit), ABSENT).signals


@pytest.mark.parametrize(("p_value", "reasons"), [(1e-9, ["mark_presence"]), (0.01, [])])
def test_presence_alone_says_nothing_of_the_origin(p_value: float, reasons: list[str]) -> None:
    found = finding(Trace(presence=Presence(7.04, p_value)), ABSENT)
    assert shown(found) == (set(), reasons, [])
    (mark,) = found.section
    assert mark.presence is not None
    assert (mark.presence.score, mark.presence.p_value) == (7.0, p_value)
    assert len(list(MarkedLane.lines(found.section))) == 1 + len(reasons)


def test_several_marks_are_all_shown() -> None:
    moved = Trace(reading(2), issue(2), False, 120, None, Comparison(Resemblance.OTHER, False, 120, 1.5, 0.9))
    first = Trace(reading(1), issue(), True, 3, others=(moved,))
    found = finding(first, read("trusted", soft_bindings=(SoftBinding(Codec.ALGORITHM, soft_binding_value(2)),)))
    assert shown(found) == (
        MARK | {Signal.ISSUED_IMAGE},
        ["mark_found", "mark_resolved", "same_image", "several_marks"],
        [],
    )
    assert [mark.mark_id for mark in found.section] == ["000000000001", "000000000002"]
    assert all(MarkedLane.owns(mark) for mark in found.section)
