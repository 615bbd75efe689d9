import datetime as dt
import secrets
from dataclasses import replace

import numpy as np
import pytest

from detectors import Histograms
from service.examiner.monitoring import ALL, FEWEST, monitor
from service.storage import ExaminationRow, FeedbackRow
from tests.support.clock import NOON

SCALE = "synthetic@2/abc/encoder"
REAL, SYNTHETIC = (tuple(range(200, 0, -10)), tuple(range(10, 210, 10)))
REFERENCES = {SCALE: {"night": Histograms(REAL, SYNTHETIC), "portrait": Histograms(REAL, SYNTHETIC)}}
WEEK = dt.timedelta(weeks=1)


def row(p: float, **changes: object) -> ExaminationRow:
    found = ExaminationRow(secrets.token_hex(16), NOON, secrets.token_hex(32), SCALE, "night", p, "inconclusive", True)
    return replace(found, **changes)  # type: ignore[arg-type]


def rows(counts: tuple[int, ...], share: int = 1, **changes: object) -> list[ExaminationRow]:
    """Images whose scores are distributed as `counts` says."""
    middles = (np.arange(len(counts)) + 0.5) / len(counts)
    return [row(float(p), **changes) for p, n in zip(middles, counts, strict=True) for _ in range(n // share)]


def test_a_week_like_the_calibration_set_is_stable_whatever_its_share_of_synthetic_images() -> None:
    few = [*rows(REAL, 4), *rows(SYNTHETIC, 40)]
    week, night = monitor(few, [], REFERENCES).periods
    assert (week.kind, week.band, week.images) == (ALL, "stable", len(few))
    assert week.synthetic_share == pytest.approx(0.09, abs=0.05)
    assert (night.kind, night.psi, night.observed) == ("night", week.psi, week.observed)
    assert sum(week.expected or []) == pytest.approx(len(few), abs=1)


def test_scores_that_no_mixture_explains_are_another_population() -> None:
    (week, _) = monitor([row(0.5) for _ in range(FEWEST)], [], REFERENCES).periods
    assert week.band == "major"


def test_few_images_and_unknown_calibrations_have_no_index() -> None:
    few = monitor(rows(REAL, 100), [], REFERENCES).periods[0]
    assert (few.band, few.psi, few.synthetic_share) == ("too_few", None, None)
    other = monitor(rows(REAL, 4, calibration="else"), [], REFERENCES).periods[0]
    assert (other.band, other.psi, other.expected) == ("no_reference", None, None)


def test_weeks_are_apart_and_compared_with_those_before() -> None:
    same, moved = rows(REAL, 4), rows(SYNTHETIC, 4, day=NOON + WEEK)
    periods = [each for each in monitor([*same, *moved], [], REFERENCES).periods if each.kind == ALL]
    first, second = periods
    assert (first.psi_earlier, first.band, second.band) == (None, "stable", "stable")
    assert second.psi_earlier is not None
    assert second.psi_earlier > 0.25
    assert first.week < second.week


def test_a_file_counts_once_a_week() -> None:
    one = row(0.5, file="f" * 64)
    again = [replace(one, id=secrets.token_hex(16)) for _ in range(9)]
    late = replace(one, id="late", day=NOON + WEEK)
    assert [each.images for each in monitor([one, *again, late], [], {}).periods if each.kind == ALL] == [1, 1]


def test_images_outside_the_scope_are_counted_and_not_compared() -> None:
    found = monitor([row(0.9, verdict="likely_synthetic"), row(0.1, in_scope=False)], [], REFERENCES).periods[0]
    assert (found.images, found.out_of_scope, found.flagged, found.undecided) == (1, 1, 1.0, 0.0)
    nothing = monitor([row(0.1, in_scope=False)], [], REFERENCES).periods[0]
    assert (nothing.images, nothing.band, nothing.flagged) == (0, "too_few", 0.0)


def trial(p: float, score: float, verdict: str | None, file: str) -> ExaminationRow:
    return row(
        p, file=file, candidate="next@1", candidate_score=score, candidate_verdict=verdict, verdict="likely_synthetic"
    )


def said(about: ExaminationRow, label: str) -> tuple[FeedbackRow, ExaminationRow]:
    return FeedbackRow(about.id, label, "author", None, NOON), about  # type: ignore[arg-type]


def test_a_model_on_trial_is_compared_with_the_active_one() -> None:
    bad, good = trial(0.9, 0.2, "likely_camera", "a"), trial(0.8, 0.9, "likely_synthetic", "b")
    labels = [said(bad, "real"), said(good, "synthetic")]
    (found,) = monitor([bad, good, row(0.1)], labels, {}).trials
    assert (found.images, found.labelled, found.mean_difference) == (2, 2, -0.3)
    assert (found.flagged, found.flagged_by_candidate, found.same_verdict) == (1.0, 0.5, 0.5)
    assert (found.auroc, found.candidate_auroc) == (0.0, 1.0)


def test_a_model_without_verdicts_and_labels_is_compared_by_score_alone() -> None:
    (found,) = monitor([trial(0.9, 0.2, None, "a")], [], {}).trials
    assert (found.flagged_by_candidate, found.same_verdict, found.auroc, found.labelled) == (None, None, None, 0)


def test_labels_are_counted_by_what_had_been_called() -> None:
    wrong, right = row(0.9, verdict="likely_synthetic"), row(0.1, verdict="likely_camera")
    (found,) = monitor([], [said(wrong, "real"), said(right, "real"), said(right, "real")], {}).labels
    assert (found.label, found.files, found.likely_synthetic, found.likely_camera, found.inconclusive) == (
        "real",
        2,
        1,
        1,
        0,
    )
