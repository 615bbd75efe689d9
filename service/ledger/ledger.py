"""The ledger: what was issued, and every decision, as a hash chain.

A row is committed, and on the disk, before `issue` returns; only then may bytes leave. So a crash can leave
a row whose image nobody received, never an image without its row.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import URL, Connection, Engine, Row, Select, func, select
from sqlalchemy.exc import IntegrityError

from service.kit.errors import Unavailable
from service.ledger.chain import GENESIS, Decision, Kind, canonical, link
from service.storage import decisions, images, open_engine, reading, writing

MARK_BITS = 48
_ATTEMPTS = 20  # other processes may append between our read and our write; each retry starts afresh


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued image, as the ledger keeps it. `fingerprint` is 32 bytes of PDQ, hashes are hex SHA-256."""

    mark_id: int
    content_id: str
    created_at: str
    mime: str
    width: int
    height: int
    sha256: str
    fingerprint: bytes
    fingerprint_quality: int
    manifest: bytes
    model: str
    model_digest: str
    seed: int
    prompt_digest: str

    @property
    def record(self) -> str:
        """SHA-256 over every field: what the chain holds of this row, so that an edit of it shows."""
        fields = {k: v.hex() if isinstance(v, bytes) else v for k, v in asdict(self).items()}
        return hashlib.sha256(canonical(fields).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The chain's state: number of decisions, hash of the last, and what is wrong (empty: nothing)."""

    decisions: int
    images: int
    head: str
    problems: tuple[str, ...]


class Ledger:
    """Issued images and the decision chain over one database. Safe to share between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str | URL) -> "Ledger":
        """Open, creating or upgrading the schema. Raises Misconfigured or Unavailable as `open_engine`."""
        return cls(open_engine(url))

    @property
    def engine(self) -> Engine:
        """The database, for the stores that share it."""
        return self._engine

    def close(self) -> None:
        self._engine.dispose()

    def fresh_mark_id(self) -> int:
        """A random 48-bit id that no image bears yet."""
        while True:
            candidate = secrets.randbits(MARK_BITS)
            if self.by_mark(candidate) is None:
                return candidate

    def issue(
        self, image: Issue, content: dict[str, Any], also: Callable[[Connection], None] | None = None
    ) -> Decision:
        """Store the image's row and the decision to release it, in one transaction with what `also` checks and writes.

        Raises:
            Unavailable: the row could not be stored (its id is taken, the disk is full, the database is gone).
        """
        return self._append("issued", image.content_id, {**content, "record": image.record}, image, also)

    def refuse(self, subject: str, content: dict[str, Any]) -> Decision:
        """Store the decision not to release. Raises Unavailable as `issue`."""
        return self._append("refused", subject, content, None)

    def record(
        self, kind: Kind, subject: str, content: dict[str, Any], also: Callable[[Connection], None] | None = None
    ) -> Decision:
        """Store another decision and, in the same transaction, what `also` writes; it may be called again after a
        clash with another writer. Raises Unavailable as `issue`, and whatever `also` raises; then nothing is stored.
        """
        return self._append(kind, subject, content, None, also)

    def decided(self, subject: str) -> tuple[Decision, ...]:
        """Every decision about `subject`, in order."""
        query = select(decisions).where(decisions.c.subject == subject).order_by(decisions.c.seq)
        with reading(self._engine) as connection:
            return tuple(Decision(**row._mapping) for row in connection.execute(query))

    def by_mark(self, mark_id: int) -> Issue | None:
        """The image that was issued with this mark."""
        return self._one(select(images).where(images.c.mark_id == mark_id))

    def by_sha256(self, sha256: str) -> Issue | None:
        """The image that was issued as exactly this file."""
        return self._one(select(images).where(images.c.sha256 == sha256))

    def by_content_id(self, content_id: str) -> Issue | None:
        """The image with this content id (urn:uuid)."""
        return self._one(select(images).where(images.c.content_id == content_id))

    def similar(self, fingerprint: bytes, within: int, most: int = 5) -> list[tuple[Issue, int]]:
        """Issued images whose PDQ lies within `within` bits, nearest first, with the distance. Exact search."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(images.c.mark_id, images.c.fingerprint)).all()
        if not rows:
            return []
        known = np.frombuffer(b"".join(row.fingerprint for row in rows), np.uint64).reshape(len(rows), -1)
        distances = np.bitwise_count(known ^ np.frombuffer(fingerprint, np.uint64)).sum(axis=1)
        nearest = [int(i) for i in np.argsort(distances, kind="stable")[:most] if distances[i] <= within]
        found = [(self.by_mark(rows[i].mark_id), int(distances[i])) for i in nearest]
        return [(image, far) for image, far in found if image is not None]

    def verify(self, noted: str | None = None) -> ChainAudit:
        """Walk the whole chain and compare every issued row with its decision.

        `noted`: a head seen earlier, which must still be there: so a tail cut off or a history written
        anew shows, too.
        """
        problems: list[str] = []
        records: dict[str, str] = {}
        head, count, noted_seen = GENESIS, 0, noted in (None, GENESIS)
        with reading(self._engine) as connection:
            for decision in _all_decisions(connection):
                count += 1
                problems += _link_problems(decision, count, head)
                head = decision.hash
                noted_seen |= head == noted
                if decision.kind == "issued":
                    records[decision.subject] = decision.body
            rows = [Issue(**row._mapping) for row in connection.execute(select(images))]
        problems += _row_problems(rows, records)
        if not noted_seen:
            problems.append("the noted head is not in the chain: decisions were cut off or written anew")
        return ChainAudit(count, len(rows), head, tuple(problems))

    def _append(
        self,
        kind: Kind,
        subject: str,
        content: dict[str, Any],
        image: Issue | None,
        also: Callable[[Connection], None] | None = None,
    ) -> Decision:
        for _ in range(_ATTEMPTS):
            try:
                return self._append_once(kind, subject, content, image, also)
            except IntegrityError as clash:
                if image and self.by_mark(image.mark_id) is not None:
                    raise Unavailable("the mark id has been taken by another image") from clash
        raise Unavailable("the ledger is too busy: every attempt to append met another writer")

    def _append_once(
        self,
        kind: Kind,
        subject: str,
        content: dict[str, Any],
        image: Issue | None,
        also: Callable[[Connection], None] | None,
    ) -> Decision:
        with writing(self._engine) as connection:
            last = connection.execute(select(decisions).order_by(decisions.c.seq.desc()).limit(1)).first()
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            if also:
                also(connection)  # before the content is hashed: it may add what it found
            decision = link(_decision(last), at=now, kind=kind, subject=subject, content=content)
            connection.execute(decisions.insert().values(**asdict(decision)))
            if image:
                connection.execute(images.insert().values(**asdict(image)))
        return decision

    def _one(self, query: Select[Any]) -> Issue | None:
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return Issue(**row._mapping) if row else None

    def ready(self) -> int:
        """The number of decisions. Raises Unavailable where the database does not answer."""
        with reading(self._engine) as connection:
            count: int = connection.execute(select(func.count()).select_from(decisions)).scalar_one()
        return count


def _decision(row: Row[Any] | None) -> Decision | None:
    return Decision(**row._mapping) if row else None


def _all_decisions(connection: Connection) -> Iterator[Decision]:
    for row in connection.execute(select(decisions).order_by(decisions.c.seq)):
        yield Decision(**row._mapping)


def _link_problems(decision: Decision, position: int, head: str) -> Iterator[str]:
    if decision.seq != position:
        yield f"decision {position} is missing: {decision.seq} follows {position - 1}"
    if decision.previous != head:
        yield f"decision {decision.seq} does not continue the one before it"
    if not _sound(decision):
        yield f"decision {decision.seq} was changed after it was written"


def _sound(decision: Decision) -> bool:
    try:
        return decision.is_sound()
    except TypeError:  # a column holds another type than was written
        return False


def _row_problems(rows: list[Issue], records: dict[str, str]) -> Iterator[str]:
    for row in rows:
        body = records.pop(row.content_id, None)
        body = body if isinstance(body, str | None) else ""
        if body is None:
            yield f"image {row.content_id} has no decision"
        elif f'"record":"{row.record}"' not in body:
            yield f"image {row.content_id} was changed after it was issued"
    for content_id in records:
        yield f"image {content_id} was issued and its row is gone"
