import pytest

from detectors import Fingerprint
from service.examiner.lanes.matched import MatchedLane, finding
from service.examiner.policy import Signal
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue
from tests.support.evidence import issue, shown


@pytest.mark.parametrize(
    ("similar", "issued_file", "signals", "reasons"),
    [
        ([], False, set(), []),
        ([], True, {Signal.ISSUED_FILE}, ["file_issued_here"]),
        ([(issue(), 4)], False, {Signal.SIMILAR_IMAGE}, ["fingerprint_matched"]),
        (
            [(issue(), 4), (issue(2), 9)],
            True,
            {Signal.ISSUED_FILE, Signal.SIMILAR_IMAGE},
            ["file_issued_here", "fingerprint_matched"],
        ),
    ],
)
def test_what_the_ledger_shows(
    similar: list[tuple[Issue, int]], issued_file: bool, signals: set[Signal], reasons: list[str]
) -> None:
    found = finding(similar, issued_file=issued_file)
    assert shown(found) == (signals, reasons, [])
    assert [match.distance for match in found.section] == [bits for _, bits in similar]


def test_a_likeness_to_an_edit_says_nothing_about_origin() -> None:
    """It may be the photograph that was edited."""
    edits = {"urn:uuid:1": IssuedEdit(65536, 900, 800, 8, 30.0)}
    found = finding([(issue(), 4)], issued_file=False, edits=edits)
    assert shown(found) == (set(), ["edit_matched"], [])
    assert found.section[0].issued.edit is not None
    assert any("900 of 65,536 px generated" in line for line in MatchedLane.lines(found.section))
    both = finding([(issue(), 4), (issue(2), 9)], issued_file=False, edits=edits)
    assert shown(both) == ({Signal.SIMILAR_IMAGE}, ["fingerprint_matched", "edit_matched"], [])


def test_an_edited_file_is_an_issued_file_too() -> None:
    found = finding([], issued_file=True, edited_file=True)
    assert shown(found) == ({Signal.ISSUED_FILE, Signal.EDITED_FILE}, ["file_issued_here", "file_edited_here"], [])


class Examined:
    """An image with this fingerprint quality that is in no ledger."""

    issued_file = None

    def __init__(self, quality: int) -> None:
        self.fingerprint = Fingerprint(bytes(32), quality)


class Similar:
    """A ledger of one image."""

    def similar(self, _fingerprint: bytes, _within: int) -> list[tuple[Issue, int]]:
        return [(issue(), 0)]

    def edit_of(self, _content_id: str) -> IssuedEdit | None:
        return None


@pytest.mark.parametrize(("quality", "matches"), [(100, 1), (5, 0)])
def test_images_with_too_few_features_match_nothing(quality: int, matches: int) -> None:
    found = MatchedLane(Similar(), str.upper).find(Examined(quality))  # type: ignore[arg-type]
    assert [match.proof for match in found.section] == ["URN:UUID:1"] * matches


def test_lines() -> None:
    assert list(MatchedLane.lines(finding([(issue(), 4)], issued_file=False).section)) == [
        "urn:uuid:1 (4 of 256 bits differ)"
    ]
    assert list(MatchedLane.lines([])) == ["nothing"]
