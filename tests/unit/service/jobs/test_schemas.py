from collections.abc import Callable

from service.access.client import OPERATOR
from service.jobs.problems import JobProblem
from service.jobs.queue import JobQueue, NewJob
from service.jobs.schemas import job_of
from service.kit.errors import Unavailable
from service.storage import JobRow


def test_a_job_as_its_client_sees_it(queue: JobQueue, claim: Callable[[str], JobRow]) -> None:
    job = queue.submit(NewJob("inspection", 2, {"request": b"[]"}), OPERATOR)
    assert (job.status, job.progress.total, job.started_at, job.error) == ("queued", 2, None, None)
    row = claim("me")
    queue.end(row, "me", "failed", Unavailable("gone"))
    told = job_of(queue.find(job.id))
    assert told.error == JobProblem.of(Unavailable("gone"))
    assert (told.ended_at, told.expires_at) == ("2026-05-01T12:00:00+00:00", "2026-05-02T12:00:00+00:00")
    assert not {"tenant", "owner", "wrapped_key", "client_key", "place"} & set(told.model_dump())
