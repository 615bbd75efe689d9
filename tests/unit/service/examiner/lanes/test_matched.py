import pytest

from detectors import Fingerprint
from service.examiner.lanes.matched import MatchedLane, finding
from service.examiner.policy import Signal
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


class Examined:
    """An image with this fingerprint quality that is in no ledger."""

    issued_file = None

    def __init__(self, quality: int) -> None:
        self.fingerprint = Fingerprint(bytes(32), quality)


class Similar:
    """A ledger of one image."""

    def similar(self, _fingerprint: bytes, _within: int) -> list[tuple[Issue, int]]:
        return [(issue(), 0)]


@pytest.mark.parametrize(("quality", "matches"), [(100, 1), (5, 0)])
def test_images_with_too_few_features_match_nothing(quality: int, matches: int) -> None:
    found = MatchedLane(Similar(), str.upper).find(Examined(quality))  # type: ignore[arg-type]
    assert [match.proof for match in found.section] == ["URN:UUID:1"] * matches


def test_lines() -> None:
    assert list(MatchedLane.lines(finding([(issue(), 4)], issued_file=False).section)) == [
        "urn:uuid:1 (4 of 256 bits differ)"
    ]
    assert list(MatchedLane.lines([])) == ["nothing"]
