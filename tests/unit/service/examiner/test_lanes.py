"""Adding a lane of evidence: the list of lanes is the only thing outside the lane that knows of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from rich.console import Console

from service.cli import present
from service.examiner import report as reports
from service.examiner.codes import ReasonCode, Topic
from service.examiner.examination import Examination, Sources
from service.examiner.examiner import Examiner
from service.examiner.lanes import LANES, Finding, Lane
from service.examiner.policy import Contradiction, Signal
from service.examiner.sections import WatermarkReading
from service.installation import Installation
from service.media.pictures import ImageLimits
from tests.assets.hostile import picture, save
from tests.support.evidence import sources_of

ROOT = Path(__file__).parents[4]


class ToyReason(ReasonCode):
    FOUND = "toy_mark_found", Topic.WATERMARK, "The image has a red corner."


class ToyLane(Lane[list[WatermarkReading]]):
    """A watermark of another system: a red pixel in the upper left corner."""

    field = "marked"
    reasons = ToyReason

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def find(self, examination: Examination) -> Finding[list[WatermarkReading]]:
        present = tuple(examination.picture.rgb[0, 0]) == (255, 0, 0)
        return Finding(
            section=[WatermarkReading(codec="toy", present=present)],
            signals=frozenset({Signal.GENERATOR_MARK} if present else ()),
            reasons=(ToyReason.FOUND,) if present else (),
        )

    @staticmethod
    def owns(element: WatermarkReading) -> bool:
        return element.codec == "toy"

    @staticmethod
    def lines(section: list[WatermarkReading]) -> Iterator[str]:
        for mark in section:
            yield f"toy: {'a red corner' if mark.present else 'nothing'}"


def test_a_new_lane_is_found_weighed_explained_and_shown(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = sources_of(installation)
    lanes: tuple[type[Lane[Any]], ...] = (ToyLane, *LANES)
    monkeypatch.setattr(reports, "LANES", lanes)
    examiner = Examiner(sources, ImageLimits(1 << 20, 1 << 20), [lane.open(sources) for lane in lanes])
    red = picture()
    red.putpixel((0, 0), (255, 0, 0))

    report = examiner.examine(save(red, "PNG"))
    plain = examiner.examine(save(picture(), "PNG"))

    assert report.marked[0] == WatermarkReading(codec="toy", present=True)
    assert (report.verdict, plain.verdict) == ("marked_synthetic", "inconclusive")
    assert report.reasons[1].model_dump() == {"code": "toy_mark_found", "text": "The image has a red corner."}
    present.full(Console(width=100), report)
    assert "toy: a red corner" in capsys.readouterr().out


def test_every_code_has_one_lane() -> None:
    reasons = [code for lane in LANES for code in lane.reasons]
    conflicts = [code for lane in LANES for code in lane.conflicts]
    assert len(reasons) == len(set(reasons)) == len(reports.REASONS)
    assert len(conflicts) + len(Contradiction) == len(reports.CONFLICTS)


def test_every_lane_fills_a_field_of_the_report() -> None:
    for lane in LANES:
        assert lane.field.partition(".")[0] in reports.Report.model_fields


@pytest.mark.parametrize(
    "path", ["service/examiner/examiner.py", "service/cli/present.py", "service/installation.py", "scripts/docs.py"]
)
def test_what_runs_and_shows_lanes_names_none(path: str) -> None:
    text = (ROOT / path).read_text()
    for lane in LANES:
        assert lane.__name__ not in text
        assert lane.__module__ not in text
