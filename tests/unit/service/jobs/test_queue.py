"""The queue: who gets which job, and who may still write to it. Runs on PostgreSQL, too."""

import datetime as dt
from collections.abc import Callable

import pytest

from service.access.client import OPERATOR, Client
from service.access.tenants import Terms
from service.installation import Installation
from service.jobs import queue as module
from service.jobs.files import JobFolder
from service.jobs.queue import MOST_ATTEMPTS, JobQueue, NewJob
from service.kit.errors import Busy, JobUnfinished, NotFound, Unsafe
from service.storage import JobRow
from tests.support.clock import Clock
from tests.unit.service.jobs.conftest import KEPT, LEASE

JOB = NewJob("inspection", 2, {"in-0": b"input", "request": b"shape"})
Claim = Callable[[str], JobRow]


def tenant(installation: Installation, name: str) -> Client:
    return installation.tenants.client(installation.tenants.add(Terms(name=name)).key)


def test_a_job_is_given_to_one_worker(queue: JobQueue, claim: Claim) -> None:
    job = queue.submit(JOB, OPERATOR)
    row = claim("me")
    assert (row.id, row.status, row.owner, row.attempts) == (job.id, "running", "me", 1)
    assert queue.claim("other") is None
    assert queue.files(row).read("in-0") == b"input"


def test_one_whose_worker_died_is_given_to_the_next_and_the_dead_write_nothing(
    queue: JobQueue, claim: Claim, clock: Clock, ended: list[JobRow]
) -> None:
    queue.submit(JOB, OPERATOR)
    row = claim("me")
    clock.now += LEASE - dt.timedelta(seconds=1)
    assert queue.renew(["me"]) == {"me": False}
    clock.now += LEASE - dt.timedelta(seconds=1)
    assert queue.claim("other") is None
    clock.now += dt.timedelta(seconds=1)
    assert claim("other").attempts == 2
    assert queue.renew(["me"]) == {}
    assert not queue.get_on(row, "me", 1)
    queue.give_back(row, "me")
    queue.end(row, "me", "succeeded")
    now = queue.find(row.id)
    assert (now.owner, now.status, now.done, ended) == ("other", "running", 0, [])


def test_progress_is_told_and_forgives_attempts(queue: JobQueue, claim: Claim, clock: Clock) -> None:
    job = queue.submit(JOB, OPERATOR)
    for _ in range(MOST_ATTEMPTS + 2):
        assert queue.get_on(claim("me"), "me", 1)
        clock.now += LEASE
    assert queue.find(job.id).done == 1


def test_one_that_never_gets_on_is_given_up(queue: JobQueue, claim: Claim, clock: Clock, ended: list[JobRow]) -> None:
    job = queue.submit(JOB, OPERATOR)
    for _ in range(MOST_ATTEMPTS):
        claim("me")
        clock.now += LEASE
    assert queue.claim("me") is None
    (row,) = ended
    assert (row.status, row.error and row.error["code"]) == ("failed", "job_abandoned")
    assert not queue.files(queue.find(job.id)).has("in-0")


def test_what_is_given_back_waits(queue: JobQueue, claim: Claim, clock: Clock) -> None:
    queue.submit(JOB, OPERATOR)
    queue.give_back(claim("me"), "me", 10)
    assert queue.claim("me") is None
    clock.now += dt.timedelta(seconds=10)
    row = claim("me")
    assert row.attempts == 1
    queue.give_back(row, "me", counted=True)
    assert claim("me").attempts == 2


def test_the_end(queue: JobQueue, claim: Claim, ended: list[JobRow]) -> None:
    job = queue.submit(JOB, OPERATOR)
    queue.end(claim("me"), "me", "failed", Unsafe("no", stage="screen"))
    row = queue.find(job.id)
    assert ended == [row]
    assert (row.owner, row.error and row.error["code"]) == (None, "moderation_blocked")
    assert (queue.files(row).has("in-0"), queue.files(row).has("request")) == (False, True)
    queue.end(row, "me", "succeeded")
    assert queue.find(job.id).status == "failed"


def test_cancelling(queue: JobQueue, claim: Claim, ended: list[JobRow]) -> None:
    queue.submit(JOB, OPERATOR)
    row = claim("me")
    assert queue.cancel(queue.submit(JOB, OPERATOR).id, OPERATOR).status == "cancelled"
    assert queue.cancel(row.id, OPERATOR).cancelling
    assert queue.renew(["me"]) == {"me": True}
    queue.end(row, "me", "cancelled")
    assert queue.cancel(row.id, OPERATOR).status == "cancelled"
    assert [each.status for each in ended] == ["cancelled", "cancelled"]


def test_one_that_was_cancelled_while_its_worker_died(queue: JobQueue, claim: Claim, clock: Clock) -> None:
    job = queue.submit(JOB, OPERATOR)
    claim("me")
    queue.cancel(job.id, OPERATOR)
    clock.now += LEASE
    assert queue.claim("other") is None
    assert queue.find(job.id).status == "cancelled"


def test_another_tenants_job_does_not_exist(queue: JobQueue, installation: Installation) -> None:
    a, b = tenant(installation, "a"), tenant(installation, "b")
    job = queue.submit(JOB, a)
    assert [each.id for each in queue.list(a, 10).data] == [job.id]
    for other in (b, OPERATOR):
        assert queue.list(other, 10).data == []
        for ask in (queue.get, queue.cancel, queue.delete):
            with pytest.raises(NotFound):
                ask(job.id, other)
        with pytest.raises(NotFound):
            queue.list(other, 10, after=job.id)


def test_tenants_take_turns(queue: JobQueue, installation: Installation, claim: Claim, clock: Clock) -> None:
    a, b = tenant(installation, "a"), tenant(installation, "b")
    order = []
    for each in (a, a, a, b):
        order.append(queue.submit(JOB, each).id)
        clock.now += dt.timedelta(milliseconds=5)
    got = []
    for _ in order:
        got.append(claim("me").id)
        clock.now += dt.timedelta(milliseconds=5)
    assert got == [order[0], order[3], order[1], order[2]]


def test_pages(queue: JobQueue, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(queue.submit(JOB, OPERATOR).id)
        clock.now += dt.timedelta(seconds=1)
    first = queue.list(OPERATOR, 2)
    assert ([job.id for job in first.data], first.has_more) == ([ids[2], ids[1]], True)
    rest = queue.list(OPERATOR, 2, after=ids[1])
    assert ([job.id for job in rest.data], rest.has_more) == ([ids[0]], False)
    assert [row.id for row in queue.newest(1)] == [ids[2]]


def test_the_same_request_is_one_job(queue: JobQueue) -> None:
    once = NewJob("inspection", 2, JOB.parts, "J-1")
    assert queue.submit(once, OPERATOR) == queue.submit(once, OPERATOR)
    assert len(queue.list(OPERATOR, 10).data) == 1


def test_there_is_an_end_to_what_waits(
    queue: JobQueue, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        queue.submit(JOB, OPERATOR)
    with pytest.raises(Busy, match="3 jobs"):
        queue.submit(JOB, OPERATOR)
    other = tenant(installation, "other")
    monkeypatch.setattr(module, "MOST_BYTES_OF_ONE", 10)
    with pytest.raises(Busy, match="too large"):
        queue.submit(NewJob("inspection", 1, {"in-0": b"x" * 11}), other)
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(Busy, match="too large"):
        queue.submit(NewJob("inspection", 1, {"in-0": b"x"}), other)


def test_after_a_while_it_is_deleted_with_its_files(
    queue: JobQueue, claim: Claim, clock: Clock, folder: JobFolder
) -> None:
    job = queue.submit(JOB, OPERATOR)
    row = claim("me")
    other = queue.submit(JOB, OPERATOR)
    with pytest.raises(JobUnfinished):
        queue.delete(job.id, OPERATOR)
    queue.end(row, "me", "succeeded")
    queue.purge(now=True)
    clock.now += KEPT
    queue.purge()
    assert queue.get(job.id, OPERATOR)
    queue.purge(now=True)
    with pytest.raises(NotFound):
        queue.get(job.id, OPERATOR)
    assert not queue.files(row).folder.exists()
    assert queue.find(other.id).status == "queued"


def test_a_worker_begins_nothing_whose_files_are_elsewhere(
    queue: JobQueue, installation: Installation, clock: Clock
) -> None:
    queue.submit(JOB, OPERATOR)
    (installation.settings.home / "jobs" / "place").write_text("0" * 32)
    assert queue.claim("me") is None


def test_what_a_job_was_asked_goes_when_its_process_died_before_it_could_delete_it(
    queue: JobQueue, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.submit(JOB, OPERATOR)
    row = claim("me")
    with monkeypatch.context() as died:
        died.setattr(JobQueue, "_tidy", lambda self, row: None)
        queue.end(row, "me", "succeeded")
    assert queue.files(row).has("in-0")
    queue.purge(now=True)
    assert not queue.files(row).has("in-0")
    assert queue.files(row).has("request")
