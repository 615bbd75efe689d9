"""Jobs over an installation whose gateway paints, with a clock that stands."""

import datetime as dt
from collections.abc import Callable

import pytest

from service.installation import Installation
from service.jobs.files import JobFolder
from service.jobs.queue import JobLimits, JobQueue
from service.keys import signing
from service.storage import JobRow, Repositories
from tests.support.clock import Clock

LEASE = dt.timedelta(seconds=30)
KEPT = dt.timedelta(hours=24)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ended() -> list[JobRow]:
    """The jobs that have ended, in order."""
    return []


@pytest.fixture
def folder(installation: Installation) -> JobFolder:
    settings = installation.settings
    return JobFolder(settings.home / "jobs", signing.vault(settings), signing.prompt_digester(settings))


@pytest.fixture
def queue(installation: Installation, folder: JobFolder, clock: Clock, ended: list[JobRow]) -> JobQueue:
    def note(stored: Repositories, row: JobRow) -> None:
        ended.append(row)

    return JobQueue(installation.ledger, folder, JobLimits(3, KEPT, LEASE), note, clock)


@pytest.fixture
def claim(queue: JobQueue) -> Callable[[str], JobRow]:
    """The next job, for this owner."""

    def claimed(owner: str) -> JobRow:
        row = queue.claim(owner)
        assert row is not None
        return row

    return claimed
