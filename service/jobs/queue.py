"""The queue of jobs in the database: taken on, given to workers under a lease, ended, and deleted after a while.

A worker owns a job as long as it renews its lease. One that died, or hangs, loses it to the next; whatever it still
tries to write afterwards is refused, since it is the owner no more.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from service.access.client import Client
from service.jobs.files import JobFiles, JobFolder
from service.jobs.problems import JobProblem
from service.jobs.schemas import Job, JobList, job_of
from service.kit.case_numbers import new_case_number
from service.kit.clock import utc_now
from service.kit.errors import Busy, Error, JobAbandoned, JobUnfinished, NotFound, Unavailable
from service.ledger.ledger import Ledger
from service.storage import ENDED, JobKind, JobRow, JobState, Repositories

log = structlog.get_logger()

MOST_ATTEMPTS = 10
"""How often a job is begun without getting on before it is given up: what works on it may have been killed for other
reasons."""
MOST_BYTES = 16 << 30
MOST_BYTES_OF_ONE = 4 << 30
"""Bytes of the files of all jobs, and of one tenant's."""

_RETRY_SECONDS = 60
_PURGE_SECONDS = 60.0

Ended = Callable[[Repositories, JobRow], None]
"""Called in the transaction that ends a job, with the job as it is then."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What to take on: `parts` are its files by name, `total` counts its images or files.

    `number`: its id, if the same request must not become two jobs.
    """

    kind: JobKind
    total: int
    parts: Mapping[str, bytes]
    number: str | None = None


@dataclass(frozen=True, slots=True)
class JobLimits:
    """`unfinished`: jobs of one tenant; `kept`: how long an ended job is; `lease`: after which a silent worker loses
    its job."""

    unfinished: int
    kept: dt.timedelta
    lease: dt.timedelta


class JobQueue:
    """The jobs of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        folder: JobFolder,
        limits: JobLimits,
        ended: Ended = lambda stored, row: None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._folder = folder
        self._ended = ended
        self._clock = clock
        self._purged = -_PURGE_SECONDS
        self._tidied = False
        self.limits = limits
        self.changed = threading.Condition()
        """Notified when this process takes a job on, or asks one to stop."""

    # For clients.

    def submit(self, new: NewJob, client: Client) -> Job:
        """Take a job on. The same one again if `number` names one that is there.

        Raises:
            Busy: the tenant has too many jobs, or their files are too large.
            Unavailable: it could not be stored; nothing is done.
        """
        number = new.number or new_case_number("J")
        with self._ledger.read() as stored:
            if (row := stored.jobs.get(number)) is not None and (row.tenant or "") == client.name:
                return job_of(row)
            self._check_room(stored, client.name, sum(map(len, new.parts.values())))
        files = self._folder.new(number)
        try:
            for name, data in new.parts.items():
                files.write(name, data)
            row = self._row(number, new, client, files)
            with self._ledger.write() as stored:
                self._check_room(stored, client.name, row.size)
                stored.jobs.add(row)
        except BaseException:
            if not self._exists(number):
                self._folder.delete(number)
            raise
        self._notify()
        return job_of(row)

    def get(self, number: str, client: Client) -> JobRow:
        """A job of this client's. Raises NotFound."""
        with self._ledger.read() as stored:
            row = stored.jobs.get(number)
        if row is None or (row.tenant or "") != client.name:
            raise _unknown()
        return row

    def list(self, client: Client, most: int, after: str | None = None) -> JobList:
        """This client's jobs, newest first; `after`: only those older than this one. Raises NotFound."""
        before = self.get(after, client) if after else None
        with self._ledger.read() as stored:
            rows = stored.jobs.of_tenant(client.name, most + 1, before)
        return JobList(data=[job_of(row) for row in rows[:most]], has_more=len(rows) > most)

    def cancel(self, number: str, client: Client) -> Job:
        """Stop a job: at once if it waits, soon if it is worked on. An ended one stays as it is. Raises NotFound."""
        self.get(number, client)
        return job_of(self.stop(number))

    def delete(self, number: str, client: Client) -> None:
        """Delete an ended job and its result. Raises NotFound, JobUnfinished."""
        row = self.get(number, client)
        if row.status not in ENDED:
            raise JobUnfinished(f"the job is {row.status}; cancel it first")
        self._delete([number])

    def files(self, row: JobRow) -> JobFiles:
        return self._folder.of(row.id, row.wrapped_key)

    # For the operator.

    def newest(self, most: int) -> Sequence[JobRow]:
        """Jobs of everybody, newest first."""
        with self._ledger.read() as stored:
            return stored.jobs.newest(most)

    def unfinished(self) -> int:
        """Jobs of everybody that wait or are worked on."""
        with self._ledger.read() as stored:
            return sum(count for status, count in stored.jobs.counts().items() if status not in ENDED)

    def find(self, number: str) -> JobRow:
        """A job of anybody's. Raises NotFound."""
        with self._ledger.read() as stored:
            row = stored.jobs.get(number)
        if row is None:
            raise _unknown()
        return row

    def counts(self) -> Mapping[str, int]:
        """How many jobs there are in each status."""
        with self._ledger.read() as stored:
            return stored.jobs.counts()

    def stop(self, number: str) -> JobRow:
        """As `cancel`, for a job of anybody's."""
        with self._ledger.write() as stored:
            row = stored.jobs.get(number)
            if row is not None and row.status == "queued":
                self._end(stored, row, "cancelled", owner=None)
            elif row is not None:
                stored.jobs.ask_to_stop(number)
        self._notify()
        row = self.find(number)
        self._tidy(row)
        return row

    # For workers.

    def claim(self, owner: str) -> JobRow | None:
        """The next job to work on, now `owner`'s; None if there is none. Raises Unavailable.

        `owner`: another one each time, so that not even this process writes to a job that it lost and took up again.
        """
        now = self._clock()
        with self._ledger.read() as stored:  # most of the time there is nothing, and no writer has to wait for that
            if stored.jobs.next(self._folder.place, now) is None:
                return None
        with self._ledger.write() as stored:
            row = stored.jobs.next(self._folder.place, now)
            if row is None:
                return None
            if row.cancelling:
                self._end(stored, row, "cancelled", owner=row.owner)
            elif row.attempts >= MOST_ATTEMPTS:
                log.error("job_abandoned", job=row.id, attempts=row.attempts)
                problem = JobAbandoned(f"the job was begun {row.attempts} times and never got on")
                self._end(stored, row, "failed", owner=row.owner, error=problem)
            else:
                stored.jobs.begin(row.id, owner, now, now + self.limits.lease)
                return stored.jobs.get(row.id)
        self._tidy(self.find(row.id))
        return self.claim(owner)

    def renew(self, owners: Collection[str]) -> Mapping[str, bool]:
        """Keep the jobs of these owners for another lease. Returns those that still have one, and whether it shall
        stop. Raises Unavailable."""
        with self._ledger.write() as stored:
            return stored.jobs.renew(owners, self._clock() + self.limits.lease)

    def get_on(self, row: JobRow, owner: str, done: int) -> bool:
        """Tell how far a job is; False where it is another's. Raises Unavailable."""
        with self._ledger.write() as stored:
            return stored.jobs.get_on(row.id, owner, done)

    def give_back(self, row: JobRow, owner: str, seconds: float = 0, *, counted: bool = False) -> None:
        """Let a job wait for `seconds` at least. `counted`: the attempt was one. Raises Unavailable."""
        with self._ledger.write() as stored:
            stored.jobs.give_back(row.id, owner, self._clock() + dt.timedelta(seconds=seconds), counted=counted)

    def end(self, row: JobRow, owner: str, status: JobState, error: Error | None = None) -> None:
        """End a job, unless it is another's by now. Raises Unavailable."""
        with self._ledger.write() as stored:
            self._end(stored, row, status, owner=owner, error=error)
        self._tidy(self.find(row.id))

    def purge(self, *, now: bool = False) -> None:
        """Delete jobs whose time is over; unless `now`, at most once a minute. Raises Unavailable.

        The first time, what ended jobs were asked to do is deleted, too: whoever ended one may have died then.
        """
        if time.monotonic() < self._purged + _PURGE_SECONDS and not now:
            return
        self._purged = time.monotonic()
        with self._ledger.read() as stored:
            over, here = stored.jobs.expired(self._clock()), stored.jobs.ids(self._folder.place)
            ended = [] if self._tidied else stored.jobs.ended(self._folder.place)
        for row in ended:
            self._tidy(row)
        self._tidied = True
        if over:
            self._delete(over)
        self._folder.sweep(here)

    def _end(
        self, stored: Repositories, row: JobRow, status: JobState, *, owner: str | None, error: Error | None = None
    ) -> None:
        now, files = self._clock(), self.files(row)
        problem = JobProblem.of(error).model_dump() if error else None
        size = files.size(inputs=False)
        ends = stored.jobs.end(row.id, status, now, now + self.limits.kept, owner=owner, size=size, error=problem)
        if ends and (ended := stored.jobs.get(row.id)):
            self._ended(stored, ended)

    def _tidy(self, row: JobRow) -> None:
        """Once the end of a job is recorded: delete what it was asked to do."""
        if row.status in ENDED:
            self.files(row).drop_inputs()

    def _exists(self, number: str) -> bool:
        with self._ledger.read() as stored:
            return stored.jobs.get(number) is not None

    def _delete(self, numbers: Sequence[str]) -> None:
        with self._ledger.write() as stored:
            for number in numbers:
                stored.jobs.delete(number)
        for number in numbers:
            self._folder.delete(number)
        try:
            self._ledger.scrub()
        except Unavailable as left:
            log.warning("job_traces_left", error=type(left).__name__)

    def _check_room(self, stored: Repositories, tenant: str, size: int) -> None:
        if stored.jobs.unfinished(tenant) >= self.limits.unfinished:
            raise _full(f"{self.limits.unfinished} jobs are waiting already")
        if stored.jobs.size() + size > MOST_BYTES or stored.jobs.size(tenant) + size > MOST_BYTES_OF_ONE:
            raise _full("the files of all jobs are too large")

    def _row(self, number: str, new: NewJob, client: Client, files: JobFiles) -> JobRow:
        now = self._clock()
        return JobRow(
            id=number,
            tenant=client.name or None,
            client_key=client.key,
            kind=new.kind,
            total=new.total,
            created_at=now,
            not_before=now,
            place=self._folder.place,
            size=files.size(),
            wrapped_key=files.wrapped_key,
        )

    def _notify(self) -> None:
        with self.changed:
            self.changed.notify_all()


def _unknown() -> NotFound:
    return NotFound(
        "there is no such job", hint="Use the id and the key that it was ordered with; ended jobs are deleted in time."
    )


def _full(why: str) -> Busy:
    return Busy(
        why, retry_after=_RETRY_SECONDS, hint="Nothing was taken on. Wait for jobs to end, or delete ended ones."
    )
