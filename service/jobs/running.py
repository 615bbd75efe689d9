"""A job that is being worked on, as the code that does the work sees it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from service.jobs.files import JobFiles
from service.jobs.queue import JobQueue
from service.kit.errors import Cancelled
from service.ledger.ledger import Transaction
from service.storage import JobRow

_REPORT_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class RunningJob:
    """A job, and whether to go on with it. `stopping`: the process ends. Set `lost` once it is another worker's job,
    `cancelled` once its client does not want it any more."""

    row: JobRow
    owner: str
    queue: JobQueue
    stopping: Callable[[], bool]
    lost: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _told: float = 0.0

    @property
    def files(self) -> JobFiles:
        return self.queue.files(self.row)

    def should_stop(self) -> bool:
        return self.lost.is_set() or self.cancelled.is_set() or self.stopping()

    def check(self) -> None:
        """Raises Cancelled if the work shall stop."""
        if self.should_stop():
            raise _cancelled("job")

    def get_on(self, done: int) -> None:
        """Tell how many images or files are done; at most once a second, and at the end.

        Raises Unavailable, or Cancelled if it is another's job by now.
        """
        now = time.monotonic()
        if done < self.row.total and now < self._told + _REPORT_SECONDS:
            return
        self._told = now
        if not self.queue.get_on(self.row, self.owner, done):
            self.lost.set()
            raise _cancelled("job")

    def check_owner(self, transaction: Transaction) -> None:
        """In a transaction: it is still this worker's job, and wanted. Raises Cancelled."""
        if not transaction.jobs.is_owner(self.row.id, self.owner):
            raise _cancelled("issue")


class Runner(Protocol):
    """Does the work of one kind of job. A job that was begun before goes on where it was."""

    def __call__(self, job: RunningJob, /) -> None:
        """Raises:
        Cancelled: it was told to stop.
        Busy, Unavailable: it cannot go on now.
        Error: it failed for good.
        """


def _cancelled(stage: str) -> Cancelled:
    return Cancelled("the job was cancelled", stage=stage)
