import json
from pathlib import Path

import jsonschema

from service.examiner.report import VERSION, Report
from service.installation import Installation
from tests.assets.hostile import picture, save

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "report.schema.json").read_text())


def test_the_schema_is_one_and_versioned() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].endswith(VERSION)
    assert SCHEMA["properties"]["version"]["const"] == VERSION


def test_a_report_survives_json(installation: Installation) -> None:
    report = installation.examiner.examine(save(picture(), "PNG"))
    text = report.model_dump_json()
    jsonschema.validate(json.loads(text), SCHEMA)
    assert Report.model_validate_json(text) == report


def test_what_was_not_asked_has_no_score(installation: Installation) -> None:
    inferred = installation.examiner.examine(save(picture(), "PNG"), classify=False).inferred
    assert (inferred.state, inferred.verdict, inferred.p_synthetic) == ("not_asked", None, None)
