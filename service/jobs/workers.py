"""The threads that work on jobs, and one that keeps their leases."""

import random
import threading
import uuid
from collections.abc import Callable, Mapping

import structlog

from service.jobs.queue import JobQueue
from service.jobs.running import Runner, RunningJob
from service.kit import tracing
from service.kit.errors import Busy, Cancelled, Error, Unavailable
from service.storage import JobKind, JobRow

log = structlog.get_logger()

POLL_SECONDS = 1.0
"""How soon a job is begun that another process took on, or whose worker died."""

MOST_RETRIES = 5
"""How often a job is tried for which something is not there, such as a model."""

_HEARTBEATS = 4  # in each lease
_LONGEST_HEARTBEAT = 2.0  # how soon a running job learns that it is cancelled
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0


class JobWorkers:
    """Threads that work on jobs of one installation. Thread-safe. `start` them once, and `close` them at the end."""

    def __init__(
        self,
        queue: JobQueue,
        runners: Mapping[JobKind, Runner],
        count: int,
        deliver_next: Callable[[str], bool] = lambda owner: False,
    ) -> None:
        """`count`: jobs that are worked on at once; 0: none. `deliver_next`: sends one message to a webhook, if
        there is one, in a thread of its own: an endpoint that does not answer must not delay jobs."""
        self._queue = queue
        self._deliver_next = deliver_next
        self._runners = runners
        self._count = count
        self._running: dict[str, RunningJob] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to work, unless that was done before."""
        with self._lock:
            if self._threads or self._stop.is_set() or not self._count:
                return
            named = [(self._work, f"countermark-job-{number}") for number in range(self._count)]
            others = [(self._keep_leases, "countermark-job-leases"), (self._deliver, "countermark-webhooks")]
            for target, name in named + others:
                self._threads.append(threading.Thread(target=target, daemon=True, name=name))
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float | None = None) -> None:
        """Stop. Jobs that are worked on wait for another worker; what they have done so far stays done."""
        self._stop.set()
        with self._queue.changed:
            self._queue.changed.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._queue.purge()
                owner = uuid.uuid4().hex
                if row := self._queue.claim(owner):
                    self._run(row, owner)
                    continue
            except Error as fault:  # the ledger does not answer: a lease ends by itself
                log.warning("jobs_not_reached", code=fault.code)
            except Exception as bug:  # noqa: BLE001 - the thread has to go on
                log.error("job_bug", error=type(bug).__name__)
            with self._queue.changed:
                if not self._stop.is_set():
                    self._queue.changed.wait(POLL_SECONDS)

    def _deliver(self) -> None:
        while not self._stop.is_set():
            try:
                if self._deliver_next(uuid.uuid4().hex):
                    continue
            except Error as fault:
                log.warning("webhooks_not_reached", code=fault.code)
            except Exception as bug:  # noqa: BLE001 - the thread has to go on
                log.error("webhook_bug", error=type(bug).__name__)
            self._stop.wait(POLL_SECONDS)

    def _run(self, row: JobRow, owner: str) -> None:
        job = RunningJob(row, owner, self._queue, self._stop.is_set)
        with self._lock:
            self._running[owner] = job
        try:
            with structlog.contextvars.bound_contextvars(job=row.id), tracing.span(f"job {row.kind}"):
                self._settle(job)
        finally:
            with self._lock:
                self._running.pop(owner, None)

    def _settle(self, job: RunningJob) -> None:
        """Do the work of a job, and record what became of it."""
        log.info("job_begun", kind=job.row.kind, attempt=job.row.attempts)
        try:
            self._runners[job.row.kind](job)
        except Cancelled:
            self._stopped(job)
        except Busy as busy:  # nobody is at fault: it waits for its turn
            self._queue.give_back(job.row, job.owner, busy.retry_after)
        except Unavailable as fault:
            self._try_again(job, fault)
        except Error as fault:
            self._ended(job, fault)
        except Exception as bug:  # noqa: BLE001 - whatever it is, its client hears of it
            # The log gets no message: it may hold a part of a prompt.
            log.error("job_bug", error=type(bug).__name__)
            self._ended(job, Error("an internal error occurred"))
        else:
            self._ended(job)

    def _ended(self, job: RunningJob, fault: Error | None = None) -> None:
        log.info("job_ended", kind=job.row.kind, code=fault.code if fault else None)
        self._queue.end(job.row, job.owner, "failed" if fault else "succeeded", fault)

    def _stopped(self, job: RunningJob) -> None:
        if job.lost.is_set():
            log.warning("job_lost", kind=job.row.kind)
        elif job.cancelled.is_set() or not job.stopping():  # without either, `check_owner` found that it is cancelled
            self._queue.end(job.row, job.owner, "cancelled")
        else:
            self._queue.give_back(job.row, job.owner)

    def _try_again(self, job: RunningJob, fault: Unavailable) -> None:
        if job.row.attempts >= MOST_RETRIES:
            self._ended(job, fault)
            return
        seconds = min(_LONGEST_RETRY, _FIRST_RETRY * 2 ** (job.row.attempts - 1)) * random.uniform(0.5, 1.5)
        log.warning("job_retried", kind=job.row.kind, code=fault.code, seconds=round(seconds))
        self._queue.give_back(job.row, job.owner, seconds, counted=True)

    def _keep_leases(self) -> None:
        every = min(_LONGEST_HEARTBEAT, self._queue.limits.lease.total_seconds() / _HEARTBEATS)
        while not self._stop.wait(every):
            try:
                self._renew()
            except Error as fault:
                log.warning("leases_not_renewed", code=fault.code)
            except Exception as bug:  # noqa: BLE001 - the thread has to go on
                log.error("job_bug", error=type(bug).__name__)

    def _renew(self) -> None:
        with self._lock:
            jobs = dict(self._running)
        if not jobs:
            return
        held = self._queue.renew(list(jobs))
        for owner, job in jobs.items():
            if owner not in held:
                job.lost.set()
            elif held[owner]:
                job.cancelled.set()
