import datetime as dt
from pathlib import Path

import pytest

from service.installation import Installation
from service.jobs import answers as module
from service.jobs.answers import Answer, Answers, Claim
from service.keys import signing
from service.kit.errors import Busy, IdempotencyKeyInUse, IdempotencyKeyReused, Unavailable
from tests.support.clock import Clock

BODY = b'{"pin": "7Q2M-0KXA-9F3C"}'
ANSWER = Answer(201, (("content-type", "application/json"),), BODY)
DAY, LEASE = dt.timedelta(days=1), dt.timedelta(seconds=30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(installation: Installation) -> Path:
    return installation.settings.home / "answers"


@pytest.fixture
def answers(installation: Installation, clock: Clock, folder: Path) -> Answers:
    settings = installation.settings
    digest = signing.prompt_digester(settings)
    return Answers(installation.ledger, signing.vault(settings), folder, digest, kept=DAY, lease=LEASE, clock=clock)


def claimed(answers: Answers, caller: str = "tenant a", key: str = "k", request: str = "r") -> Claim:
    claim = answers.begin(caller, key, request)
    assert isinstance(claim, Claim)
    return claim


def test_the_same_answer_again(answers: Answers) -> None:
    answers.keep(claimed(answers), ANSWER)
    assert answers.begin("tenant a", "k", "r") == ANSWER
    assert answers.begin("tenant a", "k", "r") == ANSWER


def test_another_request_with_the_key_is_refused(answers: Answers) -> None:
    claim = claimed(answers)
    with pytest.raises(IdempotencyKeyReused):
        answers.begin("tenant a", "k", "another")
    answers.keep(claim, ANSWER)
    with pytest.raises(IdempotencyKeyReused):
        answers.begin("tenant a", "k", "another")


def test_another_callers_key_is_another_key(answers: Answers) -> None:
    answers.keep(claimed(answers), ANSWER)
    claimed(answers, caller="tenant b")
    claimed(answers, key="k2")


def test_while_it_is_answered(answers: Answers, clock: Clock) -> None:
    claim = claimed(answers)
    with pytest.raises(IdempotencyKeyInUse) as caught:
        answers.begin("tenant a", "k", "r")
    assert 1 <= caught.value.retry_after <= LEASE.total_seconds()
    clock.now += LEASE - dt.timedelta(seconds=1)
    assert answers.renew(claim)
    clock.now += LEASE - dt.timedelta(seconds=1)
    with pytest.raises(IdempotencyKeyInUse):
        answers.begin("tenant a", "k", "r")


def test_after_a_crash_the_next_one_answers_and_the_first_cannot(answers: Answers, clock: Clock, folder: Path) -> None:
    first = claimed(answers)
    clock.now += LEASE
    second = claimed(answers)
    assert not answers.renew(first)
    with pytest.raises(Unavailable, match="took its place"):
        answers.keep(first, ANSWER)
    assert list(folder.glob("*")) == []
    other = Answer(200, (), b"other")
    answers.keep(second, other)
    assert answers.begin("tenant a", "k", "r") == other


def test_what_was_given_up_is_done_again(answers: Answers) -> None:
    answers.forget(claimed(answers))
    answers.keep(claimed(answers), ANSWER)
    answers.forget(Claim(claimed(answers, key="other").id, "somebody else"))
    with pytest.raises(IdempotencyKeyInUse):
        answers.begin("tenant a", "other", "r")


def test_after_a_day_it_is_forgotten_with_its_file(
    answers: Answers, clock: Clock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.keep(claimed(answers), ANSWER)
    (file,) = folder.glob("*")
    clock.now += DAY
    monkeypatch.setattr(module, "_PURGE_SECONDS", -1.0)
    claimed(answers, request="another")
    assert not file.exists()


def test_neither_key_nor_request_nor_answer_can_be_read(answers: Answers, installation: Installation) -> None:
    answers.keep(claimed(answers, key="my-secret-key", request="a red fox"), ANSWER)
    installation.ledger.close()
    for path in installation.settings.home.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(secret in data for secret in (b"my-secret-key", b"a red fox", b"7Q2M"))


def test_an_answer_whose_file_is_gone(answers: Answers, folder: Path) -> None:
    answers.keep(claimed(answers), ANSWER)
    (file,) = folder.glob("*")
    file.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        answers.begin("tenant a", "k", "r")


def test_there_is_an_end_to_what_one_caller_may_have_kept(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES_OF_ONE", len(BODY))
    answers.keep(claimed(answers), ANSWER)
    with pytest.raises(Busy):
        answers.begin("tenant a", "k2", "r")
    claimed(answers, caller="tenant b")
    monkeypatch.setattr(module, "MOST_BYTES", len(BODY))
    with pytest.raises(Busy):
        answers.begin("tenant c", "k", "r")
