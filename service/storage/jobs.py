"""The rows of jobs: a queue in the database, and who works on what."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import job_images
from service.storage.tables import jobs as table

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobKind = Literal["images.generation", "images.edit", "inspection"]
ENDED: tuple[JobState, ...] = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job. `tenant` is None for the installation itself; `version` counts its changes.

    `owner`, another one each time that it is begun, works on it until `lease_until`, unless that is renewed; nobody
    begins it before `not_before`. `attempts`: how often it was begun since it last got on. `cancelling`: its owner
    shall stop. `error`: why it failed.
    """

    id: str
    tenant: str | None
    client_key: str
    kind: JobKind
    total: int
    created_at: dt.datetime
    not_before: dt.datetime
    place: str
    size: int
    wrapped_key: bytes
    status: JobState = "queued"
    version: int = 1
    done: int = 0
    attempts: int = 0
    cancelling: bool = False
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    owner: str | None = None
    lease_until: dt.datetime | None = None
    error: Mapping[str, Any] | None = None


class JobRepository(Repository):
    """Jobs. Whoever reads one in a transaction for writing is the only one who changes it before that ends."""

    def add(self, row: JobRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, number: str) -> JobRow | None:
        return next(iter(self._select(table.c.id == number)), None)

    def newest(self, most: int, *conditions: ColumnElement[bool], before: JobRow | None = None) -> list[JobRow]:
        """At most so many, newest first; `before`: only those that are older than this one."""
        older = [] if before is None else [_older(before)]
        query = select(table).where(*conditions, *older).order_by(table.c.created_at.desc(), table.c.id.desc())
        return [JobRow(**row._mapping) for row in self._session.read(query.limit(most))]

    def of_tenant(self, tenant: str, most: int, before: JobRow | None = None) -> list[JobRow]:
        """The same, of one tenant (empty: the installation itself)."""
        return self.newest(most, _of(tenant), before=before)

    def unfinished(self, tenant: str) -> int:
        """How many of a tenant's jobs have not ended."""
        query = select(func.count()).select_from(table).where(_of(tenant), table.c.status.not_in(ENDED))
        return int(self._session.read(query).scalar_one())

    def size(self, tenant: str | None = None) -> int:
        """Bytes of the files of all jobs, or of one tenant's."""
        query = select(func.coalesce(func.sum(table.c.size), 0))
        query = query if tenant is None else query.where(_of(tenant))
        return int(self._session.read(query).scalar_one())

    def next(self, place: str, now: dt.datetime) -> JobRow | None:
        """The job to begin now: one that waits, or whose owner has died. Tenants take turns, each with its oldest."""
        last = select(table.c.tenant, func.max(table.c.started_at).label("began")).group_by(table.c.tenant).subquery()
        waits = and_(table.c.status == "queued", table.c.not_before <= now)
        left = and_(table.c.status == "running", table.c.lease_until <= now)
        same = func.coalesce(last.c.tenant, "") == func.coalesce(table.c.tenant, "")
        query = (
            select(table)
            .join(last, same)
            .where(table.c.place == place, or_(waits, left))
            .order_by(last.c.began.asc().nulls_first(), table.c.created_at, table.c.id)
            .limit(1)
        )
        row = self._session.read(query).first()
        return JobRow(**row._mapping) if row else None

    def begin(self, number: str, owner: str, now: dt.datetime, lease_until: dt.datetime) -> None:
        """Make `owner` the one who works on a job."""
        values: dict[str, Any] = {"owner": owner, "lease_until": lease_until, "started_at": now, "status": "running"}
        self._change([table.c.id == number], **values, attempts=table.c.attempts + 1)

    def renew(self, owners: Collection[str], lease_until: dt.datetime) -> dict[str, bool]:
        """Go on working. Returns those owners that still have their job, and whether each shall stop."""
        mine = (table.c.owner.in_(owners), table.c.status == "running")
        self._session.change(update(table).where(*mine).values(lease_until=lease_until))
        query = select(table.c.owner, table.c.cancelling).where(*mine)
        return {owner: bool(stop) for owner, stop in self._session.tuples(query)}

    def is_owner(self, number: str, owner: str) -> bool:
        """Whether this owner works on the job, and shall go on."""
        query = select(table.c.id).where(*_owned(number, owner), table.c.cancelling.is_(False))
        return self._session.read(query).first() is not None

    def get_on(self, number: str, owner: str, done: int) -> bool:
        """Record how far a job is; False where somebody else works on it."""
        return self._change(_owned(number, owner), done=done, attempts=1) == 1

    def give_back(self, number: str, owner: str, not_before: dt.datetime, *, counted: bool) -> bool:
        """Let a job wait again; False as `get_on`. `counted`: the attempt was one."""
        attempts = table.c.attempts if counted else table.c.attempts - 1
        values: dict[str, Any] = {"owner": None, "lease_until": None, "not_before": not_before, "attempts": attempts}
        return self._change(_owned(number, owner), status="queued", **values) == 1

    def ask_to_stop(self, number: str) -> None:
        """Ask the owner of a running job to stop."""
        self._change([table.c.id == number, table.c.status == "running"], cancelling=True)

    def end(
        self,
        number: str,
        status: JobState,
        now: dt.datetime,
        expires_at: dt.datetime,
        *,
        owner: str | None,
        size: int,
        error: Mapping[str, Any] | None = None,
    ) -> bool:
        """End a job; False where it is another's than `owner`'s (None: nobody's), or has ended."""
        values: dict[str, Any] = {"status": status, "ended_at": now, "expires_at": expires_at, "error": error}
        theirs = table.c.owner.is_(None) if owner is None else table.c.owner == owner
        here = [table.c.id == number, theirs, table.c.status.not_in(ENDED)]
        return self._change(here, **values, size=size, owner=None, lease_until=None, cancelling=False) == 1

    def delete(self, number: str) -> None:
        """Delete a job, and what tells which images it issued."""
        self._session.change(delete(job_images).where(job_images.c.job == number))
        self._session.change(delete(table).where(table.c.id == number))

    def expired(self, now: dt.datetime) -> list[str]:
        """The ids of those whose result is no longer kept."""
        return list(self._session.read(select(table.c.id).where(table.c.expires_at <= now)).scalars())

    def ended(self, place: str) -> list[JobRow]:
        """All that have ended whose files are in this place."""
        return self._select(table.c.place == place, table.c.status.in_(ENDED))

    def ids(self, place: str) -> list[str]:
        """The ids of all whose files are in this place."""
        return list(self._session.read(select(table.c.id).where(table.c.place == place)).scalars())

    def counts(self) -> dict[str, int]:
        """How many there are in each state."""
        query = select(table.c.status, func.count()).group_by(table.c.status)
        return {status: int(count) for status, count in self._session.tuples(query)}

    def _change(self, here: Collection[ColumnElement[bool]], **values: Any) -> int:
        return self._session.change(update(table).where(*here).values(**values, version=table.c.version + 1))

    def _select(self, *conditions: ColumnElement[bool]) -> list[JobRow]:
        return [JobRow(**row._mapping) for row in self._session.read(select(table).where(*conditions))]


class JobImageRepository(Repository):
    """Which image was issued for which order of a job."""

    def add(self, job: str, number: int, content_id: str) -> None:
        """Raises Unavailable, as the transaction does, if this one was issued before."""
        self._session.insert(job_images, [{"job": job, "number": number, "content_id": content_id}])

    def get(self, job: str, number: int) -> str | None:
        """The content id of the image that was issued; None if none was."""
        here = (job_images.c.job == job, job_images.c.number == number)
        return self._session.read(select(job_images.c.content_id).where(*here)).scalar_one_or_none()


def _of(tenant: str) -> ColumnElement[bool]:
    return table.c.tenant == tenant if tenant else table.c.tenant.is_(None)


def _owned(number: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (table.c.id == number, table.c.owner == owner, table.c.status == "running")


def _older(row: JobRow) -> ColumnElement[bool]:
    same = and_(table.c.created_at == row.created_at, table.c.id < row.id)
    return or_(table.c.created_at < row.created_at, same)
