import pytest

from detectors import Declaration
from service.examiner.lanes.declared import DeclaredLane, finding
from service.examiner.policy import Signal
from tests.support.evidence import shown


@pytest.mark.parametrize(
    ("origin", "signals", "reasons"),
    [
        ("synthetic", {Signal.SYNTHETIC_CLAIMED}, ["metadata_declares_synthetic"]),
        ("composite", {Signal.COMPOSITE_CLAIMED}, ["metadata_declares_composite"]),
        ("camera", {Signal.CAMERA_CLAIMED}, ["metadata_declares_camera"]),
        ("unknown", set(), []),
    ],
)
def test_what_a_statement_shows(origin: str, signals: set[Signal], reasons: list[str]) -> None:
    found = finding([Declaration("iptc", origin, "x")])  # type: ignore[arg-type]
    assert shown(found) == (signals, reasons, [])
    assert [(declared.source, declared.origin, declared.value) for declared in found.section] == [("iptc", origin, "x")]


def test_no_metadata_shows_nothing() -> None:
    found = finding([])
    assert found.section == []
    assert shown(found) == (set(), [], [])


def test_lines() -> None:
    section = finding([Declaration("exif", "camera", "Canon"), Declaration("aigc", "unknown", "2")]).section
    assert list(DeclaredLane.lines(section)) == ["exif: Canon (camera)", "aigc: 2 (unknown)"]
