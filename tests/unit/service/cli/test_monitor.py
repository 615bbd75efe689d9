import json
from pathlib import Path
from typing import Any

import pytest

from detectors import calibrated_histograms
from models import find_card
from service.examiner.feedback import Feedback
from service.installation import Installation
from tests.support.commands import Run
from tests.support.examinations import recorded


@pytest.fixture
def scale() -> str:
    """The calibration of the encoder's head, as answers name it."""
    return next(name for name in calibrated_histograms(find_card("synthetic")) if name.endswith("/encoder"))


def test_the_shipped_calibration_tells_how_scores_were_distributed(scale: str) -> None:
    kinds = calibrated_histograms(find_card("synthetic"))[scale]
    assert len(kinds) == 10
    assert all(
        len(each.real) == len(each.synthetic) == 20 and min(sum(each.real), sum(each.synthetic)) > 100
        for each in kinds.values()
    )


def test_nothing_recorded_is_exit_code_1_and_says_what_to_set(run: Run) -> None:
    code, out, err = run("monitor")
    assert (code, out) == (1, "")
    assert "COUNTERMARK_SCORE_RETENTION_DAYS" in err
    code, out, _ = run("monitor", "--json")
    assert (code, json.loads(out)["periods"]) == (1, [])


def test_scores_labels_and_a_trial_are_shown(run: Run, installation: Installation, tmp_path: Path, scale: str) -> None:
    trial: dict[str, Any] = {"candidate": "next@1", "candidate_score": 0.25, "candidate_verdict": "likely_camera"}
    files = [str(number).encode() for number in range(250)]
    first, *_ = recorded(installation, *files, calibration=scale, **trial)
    installation.feedback.give(Feedback(examination=first, label="real", who="author"))
    page = tmp_path / "monitor.html"
    code, out, _ = run("monitor", "--json", "--html", page)
    assert code == 0
    found = json.loads(out)
    all_, night = found["periods"]
    assert (all_["kind"], all_["images"], all_["band"], night["kind"]) == ("all", 250, "major", "night")
    assert (found["trials"][0]["images"], found["trials"][0]["mean_difference"]) == (250, -0.25)
    assert found["labels"] == [
        {"label": "real", "files": 1, "likely_synthetic": 0, "likely_camera": 0, "inconclusive": 1}
    ]
    assert page.read_text().count("<svg") == 2
    code, table, _ = run("monitor")
    assert code == 0
    assert all(word in table for word in ("major", "night", "next@1", "real"))
    assert run("monitor", "--html", page)[0] == 2
