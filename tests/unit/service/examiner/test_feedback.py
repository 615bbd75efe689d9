import datetime as dt
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from pydantic import ValidationError

from detectors import Prepared
from service.examiner.feedback import Feedback, FeedbackReceipt, FeedbackStore
from service.examiner.inference import Inferred
from service.examiner.scores import ScoreLog
from service.installation import Installation
from service.kit.errors import NotFound
from service.storage import Label, Who
from tests.support.clock import NOON

IMAGE = Prepared(np.zeros((8, 8, 3), np.uint8), (), ())
ANSWER = Inferred(
    state="available", verdict="inconclusive", p_synthetic=0.5, interval=(0, 1), kind="night", calibration="c"
)


def digest(text: str) -> str:
    return hashlib.sha256(b"key" + text.encode()).hexdigest()


@pytest.fixture
def scores(installation: Installation) -> Iterator[ScoreLog]:
    log = ScoreLog(installation.ledger, digest, 30)
    log.start()
    yield log
    log.close()


@pytest.fixture
def store(installation: Installation, scores: ScoreLog) -> FeedbackStore:
    return FeedbackStore(installation.ledger, scores, digest, lambda: NOON + dt.timedelta(hours=1))


def said(scores: ScoreLog, file: str, label: Label, who: Who = "author") -> Feedback:
    answer = scores.note(ANSWER, file, IMAGE)
    return Feedback(examination=answer.examination or "", label=label, who=who)


def test_a_label_is_kept_beside_the_answer(store: FeedbackStore, scores: ScoreLog) -> None:
    given = said(scores, "a", "real")
    assert store.give(given) == FeedbackReceipt(
        examination=given.examination, label="real", who="author", received_at="2026-05-01T13:00:00+00:00"
    )
    ((row, examined),) = store.all()
    assert (row.label, row.tenant, examined.verdict, examined.p_synthetic) == ("real", None, "inconclusive", 0.5)


def test_a_later_label_replaces_it(store: FeedbackStore, scores: ScoreLog) -> None:
    given = said(scores, "a", "real")
    store.give(given)
    store.give(given.model_copy(update={"label": "synthetic"}))
    assert [row.label for row, _ in store.all()] == ["synthetic"]


def test_what_was_not_recorded_has_no_label(store: FeedbackStore) -> None:
    with pytest.raises(NotFound):
        store.give(Feedback(examination="0" * 32, label="real", who="author"))


@pytest.mark.parametrize(
    "changes", [{"label": "fake"}, {"who": "Jane Example"}, {"examination": "x"}, {"comment": "it is mine"}]
)
def test_words_that_are_none(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Feedback.model_validate({"examination": "0" * 32, "label": "real", "who": "author"} | changes)


def test_files_get_the_labels_of_their_content(store: FeedbackStore, scores: ScoreLog) -> None:
    for file, label, who in (
        ("a", "real", "author"),
        ("b", "real", "author"),
        ("b", "synthetic", "other"),
        ("c", "synthetic", "reviewer"),
    ):
        store.give(said(scores, file, label, who))  # type: ignore[arg-type]
    files = [(f"{name}.png", name) for name in "abcd"]
    found = store.of_files(files)
    assert [(one.file, one.label, one.kind) for one in found.files] == [
        ("a.png", "real", "night"),
        ("c.png", "synthetic", "night"),
    ]
    assert found.contradicted == ["b.png"]
    assert [one.file for one in store.of_files(files, "author").files] == ["a.png", "b.png"]
