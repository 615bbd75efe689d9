"""A job as its client sees it."""

from typing import Literal

from pydantic import BaseModel, Field

from service.jobs.problems import JobProblem
from service.kit.clock import stamp
from service.storage import JobKind, JobRow, JobState


class JobProgress(BaseModel):
    """Images that were released or refused, or files that were examined, of so many."""

    done: int
    total: int


class Job(BaseModel):
    """A job. Times are RFC 3339, UTC. `expires_at`: when it is deleted with its result; null until it has ended."""

    id: str
    object: Literal["job"] = "job"
    kind: JobKind
    status: JobState
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    expires_at: str | None = None
    progress: JobProgress
    cancelling: bool = Field(description="It was asked to stop, and has not yet.")
    error: JobProblem | None = Field(None, description="Why it failed, as its result would be answered.")


class JobList(BaseModel):
    """Jobs, newest first. `has_more`: there are older ones; ask for them with `after` and the last id."""

    object: Literal["list"] = "list"
    data: list[Job]
    has_more: bool


def job_of(row: JobRow) -> Job:
    """What a client is told of a job."""
    return Job(
        id=row.id,
        kind=row.kind,
        status=row.status,
        created_at=stamp(row.created_at),
        started_at=stamp(row.started_at) if row.started_at else None,
        ended_at=stamp(row.ended_at) if row.ended_at else None,
        expires_at=stamp(row.expires_at) if row.expires_at else None,
        progress=JobProgress(done=row.done, total=row.total),
        cancelling=row.cancelling,
        error=JobProblem.model_validate(row.error) if row.error else None,
    )
