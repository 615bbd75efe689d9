from collections.abc import Callable

import pytest

from service.access.client import OPERATOR
from service.installation import Installation
from service.jobs import running as module
from service.jobs.queue import JobQueue, NewJob
from service.jobs.running import RunningJob
from service.kit.errors import Cancelled
from service.storage import JobRow
from tests.support.clock import Clock
from tests.unit.service.jobs.conftest import LEASE


@pytest.fixture
def job(queue: JobQueue, claim: Callable[[str], JobRow]) -> RunningJob:
    queue.submit(NewJob("inspection", 9, {}), OPERATOR)
    return RunningJob(claim("me"), "me", queue, lambda: False)


def test_it_tells_how_far_it_is_now_and_then_and_at_the_end(job: RunningJob, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for done in range(1, 10):
        job.get_on(done)
        seen.append(job.queue.find(job.row.id).done)
    assert (seen[0], seen[-2], seen[-1]) == (1, 1, 9)
    monkeypatch.setattr(module, "_REPORT_SECONDS", 0.0)
    job.get_on(5)
    assert job.queue.find(job.row.id).done == 5


@pytest.mark.parametrize("flag", ["lost", "cancelled"])
def test_it_stops_when_told_to(job: RunningJob, flag: str) -> None:
    job.check()
    getattr(job, flag).set()
    with pytest.raises(Cancelled):
        job.check()


def test_one_that_is_anothers_by_now(
    job: RunningJob, clock: Clock, claim: Callable[[str], JobRow], installation: Installation
) -> None:
    with installation.ledger.decision("ledger", "x") as transaction:
        job.check_owner(transaction)
        transaction.record()
    clock.now += LEASE
    claim("other")
    with pytest.raises(Cancelled), installation.ledger.decision("ledger", "x") as transaction:
        job.check_owner(transaction)
    with pytest.raises(Cancelled):
        job.get_on(9)
    assert job.should_stop()
