from dataclasses import asdict

import pytest
from pydantic import ValidationError

from service.examiner.codes import ReasonCode, Topic
from service.examiner.sections import Issued, Reason, ReportModel, WatermarkReading
from service.ledger.issued_edit import IssuedEdit
from tests.support.evidence import issue


class Example(ReasonCode):
    FOUND = "example_found", Topic.WATERMARK, "There is an example."


def test_a_reason_is_a_code_with_its_standard_text() -> None:
    assert Reason.of(Example.FOUND) == Reason(code="example_found", text="There is an example.")


def test_of_a_ledger_row_a_report_shows_neither_prompt_nor_seed() -> None:
    assert Issued.of(issue(7)).model_dump() == {
        "content_id": "urn:uuid:7",
        "created_at": "2026-01-01T00:00:00+00:00",
        "model": "painter@1",
        "sha256": "0" * 64,
        "edit": None,
    }


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (IssuedEdit(65536, 64, 60, 8, 34.4), "64 of 65,536 px generated, 34.4 dB to the input image"),
        (IssuedEdit(65536, 64, 0, 8, None), "64 of 65,536 px generated"),
        (IssuedEdit(), "how much it changed was not recorded"),
    ],
)
def test_an_edit_says_how_much_was_generated(edit: IssuedEdit, line: str) -> None:
    shown = Issued.of(issue(7), edit).edit
    assert shown is not None
    assert shown.line.endswith(line)
    assert shown.model_dump() == asdict(edit)


@pytest.mark.parametrize("model", [Reason(code="x", text="y"), WatermarkReading(codec="x", present=False)])
def test_a_part_of_a_report_is_immutable_and_has_no_other_fields(model: ReportModel) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        model.__setattr__(next(iter(type(model).model_fields)), "z")
    with pytest.raises(ValidationError, match="extra"):
        type(model).model_validate({**model.model_dump(), "surprise": 1})


def test_a_codec_that_found_nothing_claims_nothing() -> None:
    reading = WatermarkReading(codec="x", present=False)
    told = reading.model_dump(exclude={"codec", "present", "synthetic"})
    assert set(told.values()) == {None}
    assert reading.synthetic is False
