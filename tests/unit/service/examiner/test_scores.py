import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detectors import Prepared
from service.examiner.inference import Inferred
from service.examiner.scores import ScoreLog
from service.examiner.sections import Reason
from service.examiner.shadow import CandidateScore, Shadow
from service.ledger.ledger import Ledger
from service.storage import ExaminationRow
from tests.support.clock import NOON

IMAGE = Prepared(np.zeros((8, 8, 3), np.uint8), (), ())
ANSWER = Inferred(
    state="available", verdict="likely_camera", p_synthetic=0.125, interval=(0.1, 0.2), kind="night", calibration="c/1"
)
DAY = NOON.replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    shutil.copyfile(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger.open(tmp_path / "ledger.db")
    yield opened
    opened.close()


def digest(text: str) -> str:
    return f"keyed {text}"


def started(ledger: Ledger, days: int = 30, shadow: Shadow | None = None, now: dt.datetime = NOON) -> ScoreLog:
    log = ScoreLog(ledger, digest, days, shadow, lambda: now)
    log.start()
    return log


def recorded(ledger: Ledger) -> list[ExaminationRow]:
    with ledger.read() as stored:
        return list(stored.examinations.since(DAY - dt.timedelta(days=365)))


def test_a_score_is_recorded_without_the_file_or_the_time(ledger: Ledger) -> None:
    log = started(ledger)
    answer = log.note(ANSWER, "abc", IMAGE)
    log.close()
    assert answer == ANSWER.model_copy(update={"examination": answer.examination})
    assert recorded(ledger) == [
        ExaminationRow(answer.examination or "", DAY, "keyed abc", "c/1", "night", 0.125, "likely_camera", True)
    ]


def test_what_the_classifiers_were_not_measured_on_is_out_of_scope(ledger: Ledger) -> None:
    log = started(ledger)
    log.note(ANSWER.model_copy(update={"warnings": [Reason(code="too_small", text="")]}), "abc", IMAGE)
    log.close()
    assert [row.in_scope for row in recorded(ledger)] == [False]


def test_nothing_is_recorded_unless_the_operator_says_for_how_long(ledger: Ledger) -> None:
    log = started(ledger, days=0)
    assert log.note(ANSWER, "abc", IMAGE) is ANSWER
    before = ScoreLog(ledger, digest, 30)  # a command, which does not start it
    assert before.note(ANSWER, "abc", IMAGE) is ANSWER
    assert started(ledger).note(Inferred(state="not_asked"), "abc", IMAGE).examination is None
    log.close()
    assert recorded(ledger) == []


def test_settling_waits_until_it_is_written(ledger: Ledger) -> None:
    log = started(ledger)
    answer = log.note(ANSWER, "abc", IMAGE)
    log.settle()
    assert [row.id for row in recorded(ledger)] == [answer.examination]
    log.close()
    log.settle()


def test_records_end_after_their_days(ledger: Ledger) -> None:
    old = started(ledger, now=NOON - dt.timedelta(days=3))
    old.note(ANSWER, "old", IMAGE)
    old.close()
    log = started(ledger, days=2)
    log.note(ANSWER, "new", IMAGE)
    log.close()
    assert [row.file for row in recorded(ledger)] == ["keyed new"]


def test_a_database_that_fails_changes_no_answer(ledger: Ledger) -> None:
    log = started(ledger)
    ledger.close()
    Path(str(ledger._database.engine.url.database)).unlink()
    assert log.note(ANSWER, "abc", IMAGE).verdict == "likely_camera"
    log.settle()
    log.close()


@pytest.mark.parametrize("verdict", ["likely_synthetic", None])
def test_the_model_on_trial_is_recorded_beside_the_answer_and_is_not_in_it(ledger: Ledger, verdict: str | None) -> None:
    shadow = Shadow("next", lambda: lambda _: CandidateScore("next@1", 0.75, verdict), 1.0)
    log = started(ledger, shadow=shadow)
    answer = log.note(ANSWER, "abc", IMAGE)
    log.close()
    assert answer == ANSWER.model_copy(update={"examination": answer.examination})
    (row,) = recorded(ledger)
    assert (row.p_synthetic, row.verdict) == (0.125, "likely_camera")
    assert (row.candidate, row.candidate_score, row.candidate_verdict) == ("next@1", 0.75, verdict)
