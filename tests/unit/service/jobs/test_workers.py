from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.access.client import OPERATOR
from service.installation import Installation
from service.jobs import workers as module
from service.jobs.queue import JobLimits, JobQueue, NewJob
from service.jobs.running import RunningJob
from service.jobs.workers import MOST_RETRIES, JobWorkers
from service.kit import tracing
from service.kit.errors import Busy, Cancelled, Error, Unavailable, Unsafe
from service.storage import JobRow
from tests.support.waiting import until

JOB = NewJob("inspection", 1, {"in-0": b""})
Run = Callable[[RunningJob], None]


@pytest.fixture
def queue(installation: Installation) -> JobQueue:
    """With the real clock."""
    return installation.jobs


@pytest.fixture
def started(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Run], JobWorkers]]:
    """Starts workers that do this, and stops them in the end."""
    monkeypatch.setattr(module, "_FIRST_RETRY", 0.001)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONGEST_HEARTBEAT", 0.01)
    opened: list[JobWorkers] = []

    def start(run: Run) -> JobWorkers:
        opened.append(JobWorkers(queue, {"inspection": run}, 2))
        opened[-1].start()
        return opened[-1]

    yield start
    for workers in opened:
        workers.close()


Start = Callable[[Run], JobWorkers]


def ended(queue: JobQueue, number: str) -> JobRow:
    until(lambda: queue.find(number).ended_at is not None)
    return queue.find(number)


def failing(*faults: Exception) -> tuple[Run, list[Exception]]:
    """Fails in these ways, one after the other, and then does not."""
    left = list(faults)

    def run(job: RunningJob) -> None:
        if left:
            raise left.pop(0)

    return run, left


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ([], "succeeded", None),
        ([Busy("full", retry_after=0)] * (MOST_RETRIES + 1), "succeeded", None),
        ([Unavailable("gone")] * (MOST_RETRIES - 1), "succeeded", None),
        ([Unavailable("gone")] * MOST_RETRIES, "failed", "unavailable"),
        ([Unsafe("no", stage="screen")], "failed", "moderation_blocked"),
        ([ZeroDivisionError("a prompt")], "failed", "internal"),
    ],
    ids=["done", "busy", "unavailable", "never available", "refused", "bug"],
)
def test_what_becomes_of_a_job(
    queue: JobQueue, started: Start, faults: list[Exception], status: str, code: str | None
) -> None:
    run, left = failing(*faults)
    job = queue.submit(JOB, OPERATOR)
    started(run)
    row = ended(queue, job.id)
    assert (row.status, row.error and row.error["code"], left) == (status, code, [])


def test_what_is_done_for_a_job_is_one_trace(queue: JobQueue, started: Start) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing.use(provider.get_tracer("test"))
    try:
        queue.submit(JOB, OPERATOR)

        def run(job: RunningJob) -> None:
            with tracing.span("stage render"):
                pass

        started(run)
        until(lambda: len(spans.get_finished_spans()) == 2)
    finally:
        tracing.use(None)
    stage, job = spans.get_finished_spans()
    assert (stage.name, job.name) == ("stage render", "job inspection")
    assert stage.parent is not None
    assert stage.parent.span_id == job.context.span_id


def test_a_job_that_comes_later_is_begun_at_once(queue: JobQueue, started: Start) -> None:
    started(lambda job: None)
    assert ended(queue, queue.submit(JOB, OPERATOR).id).status == "succeeded"


def waiting(job: RunningJob) -> None:
    until(job.should_stop)
    job.check()


def test_one_that_is_cancelled_stops(queue: JobQueue, started: Start) -> None:
    started(waiting)
    job = queue.submit(JOB, OPERATOR)
    until(lambda: queue.find(job.id).status == "running")
    queue.cancel(job.id, OPERATOR)
    assert ended(queue, job.id).status == "cancelled"


def test_when_the_process_ends_it_waits_for_another(queue: JobQueue, started: Start) -> None:
    workers = started(waiting)
    job = queue.submit(JOB, OPERATOR)
    until(lambda: queue.find(job.id).status == "running")
    workers.close()
    row = queue.find(job.id)
    assert (row.status, row.owner, row.attempts) == ("queued", None, 0)
    workers.start()
    assert queue.find(job.id).status == "queued"
    started(lambda job: None)
    assert ended(queue, job.id).status == "succeeded"


def test_one_that_was_lost_is_left_alone(queue: JobQueue, installation: Installation, started: Start) -> None:
    begun: list[RunningJob] = []
    lost: list[bool] = []

    def run(job: RunningJob) -> None:
        begun.append(job)
        until(job.should_stop)
        lost.append(job.lost.is_set())
        raise Cancelled("lost", stage="job")

    started(run)
    job = queue.submit(JOB, OPERATOR)
    until(lambda: begun)
    with installation.ledger.write() as stored:
        stored.jobs.begin(job.id, "other", begun[0].row.created_at, begun[0].row.created_at)
    until(lambda: len(begun) == 2)  # its lease was over at once
    until(begun[0].lost.is_set)  # although this very process has the job again
    queue.cancel(job.id, OPERATOR)
    assert ended(queue, job.id).status == "cancelled"
    assert lost == [True, False]


def test_without_threads_nothing_is_done(installation: Installation) -> None:
    queue = installation.jobs
    workers = JobWorkers(queue, {}, 0)
    workers.start()
    job = queue.submit(JOB, OPERATOR)
    workers.close()
    assert queue.find(job.id).status == "queued"


def test_a_ledger_that_does_not_answer_for_a_while(
    queue: JobQueue, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [Unavailable("gone"), RuntimeError("a bug"), Error("a bug of ours")]
    claim = JobQueue.claim

    def claimed(self: JobQueue, owner: str) -> JobRow | None:
        if faults:
            raise faults.pop(0)
        return claim(self, owner)

    monkeypatch.setattr(JobQueue, "claim", claimed)
    job = queue.submit(JOB, OPERATOR)
    started(lambda job: None)
    assert ended(queue, job.id).status == "succeeded"


def test_limits_are_the_settings(installation: Installation) -> None:
    settings = installation.settings
    limits = installation.jobs.limits
    assert isinstance(limits, JobLimits)
    assert (limits.unfinished, limits.lease.total_seconds()) == (settings.job_queue, settings.work_lease)
