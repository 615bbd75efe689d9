from collections.abc import Iterator
from typing import Any, Self, cast

import pytest

from service.examiner.codes import ConflictCode, ReasonCode
from service.examiner.examination import Examination, Sources
from service.examiner.lanes import Finding, Lane


class Words(Lane[str]):
    """The least that a lane must declare."""

    field = "words"

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def find(self, examination: Examination) -> Finding[str]:
        return Finding("found")

    @staticmethod
    def lines(section: str) -> Iterator[str]:
        yield section


EXAMINATION = cast(Examination, None)


def test_evidence_has_no_place_and_a_list_is_not_shared_unless_a_lane_says_so() -> None:
    lane = Words.open(cast(Sources, None))
    assert lane.heatmap(EXAMINATION) is None
    assert lane.owns(object())
    assert (list(lane.reasons), list(lane.conflicts)) == ([], [])
    assert (lane.reasons, lane.conflicts) == (ReasonCode, ConflictCode)


def test_a_finding_shows_nothing_unless_it_says_so() -> None:
    finding = Words().find(EXAMINATION)
    assert finding == Finding("found", frozenset(), (), ())
    assert list(Words.lines(finding.section)) == ["found"]


@pytest.mark.parametrize("missing", ["open", "find", "lines"])
def test_a_lane_without_one_of_its_parts_cannot_be_made(missing: str) -> None:
    kind: Any = type("Incomplete", (Words,), {missing: getattr(Lane, missing)})
    with pytest.raises(TypeError, match=missing):
        kind()
