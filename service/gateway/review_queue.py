"""Pictures that are held because they may show a protected person: kept, sealed, until an operator has looked.

A picture is encrypted under a key of its own, in a file in the home folder; the key is in the database, wrapped by
the installation's. Whatever ends the keeping (fetched, refused, expired) deletes the key first: crypto-shredding.
Nothing leaves from here but to the gateway, and only with a decision `override` in the chain about these very pixels.
"""

import contextlib
import datetime as dt
import json
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog
from pydantic import BaseModel
from sqlalchemy import Connection, Row, select

from service.gateway.held_draft import HeldDraft
from service.gateway.stages import Review
from service.keys.vault import Sealed, Vault
from service.kit import home
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, Error, Gone, Misconfigured, NotFound, Unavailable
from service.ledger.chain import Decision
from service.ledger.ledger import Ledger
from service.storage import held as table
from service.storage import reading, scrub

log = structlog.get_logger()

State = Literal["waiting", "released", "fetched", "refused", "expired", "dropped"]
_OPEN = ("waiting", "released")
_ABOUT = "held picture"
MOST, MOST_OF_ONE = 1000, 250
"""Pictures kept at once, of everybody and of one tenant: more are refused and not kept."""
MOST_BYTES, MOST_BYTES_OF_ONE = 4 << 30, 1 << 30
"""The same for the bytes of their files, so that nobody can fill the disk with them, or take it from the others."""
_ORPHAN_SECONDS = 31 * 86400  # no picture is kept so long; a younger file may be on its way, or another database's


class HeldStatus(BaseModel):
    """How a held picture stands; whom it may show is the operator's to see."""

    id: str
    status: State
    held_at: str
    until: str


@dataclass(frozen=True, slots=True)
class HeldPicture:
    """A held picture in the operator's queue. `subjects`: numbers of those it may show."""

    id: str
    tenant: str
    status: State
    held_at: str
    until: str
    subjects: tuple[str, ...]
    decided_at: str | None
    operator: str | None
    reason: str | None


class ReviewQueue:
    """The held pictures of one installation. Safe to share between threads, and processes of one machine."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        folder: Path,
        days: int,
        digest: Callable[[str], str],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`days`: how long to keep a picture; 0: none is kept, and those that were can still be decided."""
        self._ledger = ledger
        self._vault = vault
        self._folder = folder
        self._days = days
        self._digest = digest
        self._clock = clock

    def keep(self, content_id: str, tenant: str, subjects: Collection[str], kept: HeldDraft) -> str | None:
        """Keep a picture; until when, or None where it is not kept.

        Raises:
            Misconfigured, Unavailable, OSError: it could not be stored; then nothing is kept.
        """
        if not self._days:
            return None
        self.purge()
        data = kept.to_bytes()
        with reading(self._ledger.engine) as connection:
            if self._full(connection, tenant, len(data)):  # asked again when it is recorded
                return None
        now = self._clock()
        until = stamp(now + dt.timedelta(days=self._days))
        sealed = self._vault.lock(data, content_id)
        path = self._path(content_id)
        row = {
            "content_id": content_id, "tenant": tenant, "held_at": stamp(now), "until": until, "status": "waiting",
            "subjects": " ".join(subjects), "pixels": kept.pixels, "wrapped_key": sealed.wrapped_key,
        }  # fmt: skip
        content = {"action": "kept", "subjects": sorted(subjects), "pixels": kept.pixels, "until": until}

        def write(connection: Connection) -> None:
            if self._full(connection, tenant, len(sealed.box)):
                raise _Full
            connection.execute(table.insert().values(**row))

        home.create(path, sealed.box)
        try:
            self._record(content_id, content, write)
        except _Full:
            path.unlink(missing_ok=True)
            return None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return until

    def again(self, content_id: str, tenant: str, subjects: Collection[str], kept: HeldDraft) -> str:
        """Hold a released picture for others, too: since it was reviewed they have become protected. Until when.

        Raises NotFound, Gone, Unavailable.
        """
        row = self._theirs(content_id, tenant)
        values = {"status": "waiting", "subjects": " ".join(sorted({*row.subjects.split(), *subjects}))}
        content = {"action": "held again", "subjects": sorted(subjects), "pixels": kept.pixels}
        self._record(content_id, content, self._turn(content_id, ("released",), values))
        until: str = row.until
        return until

    def status(self, content_id: str, tenant: str) -> HeldStatus:
        """How a picture that this tenant (empty: the installation itself) ordered stands.

        Raises:
            NotFound: there is none, or somebody else ordered it.
            Gone: it was fetched, refused, or its time is over.
        """
        self.purge()
        row = self._theirs(content_id, tenant)
        return HeldStatus(id=content_id, status=row.status, held_at=row.held_at, until=row.until)

    def queue(self, *, all_: bool = False) -> Iterator[HeldPicture]:
        """Pictures that wait for a decision, or all, oldest first."""
        self.purge()
        query = select(table).order_by(table.c.held_at, table.c.content_id)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(query if all_ else query.where(table.c.status == "waiting")).all()
        return (self._told(row) for row in rows)

    def look(self, content_id: str, operator: str = "") -> HeldDraft:
        """The picture, for an operator to look at; that they did is a decision of its own.

        Raises:
            NotFound, Gone, Misconfigured, Unavailable: there is none, not any more, or it cannot be opened.
        """
        kept = self._opened(self._need(content_id))
        who = {"operator": self._digest(operator)} if operator else {}
        self._record(content_id, {"action": "looked at", **who}, lambda connection: None)
        return kept

    def release(self, content_id: str, operator: str, reason: str) -> None:
        """Decide that these pixels may go on although they may show its subjects: a decision `override`.

        Raises:
            NotFound, Gone: there is no such picture, or not any more.
            BadRequest: no operator, no reason, or it was decided before.
            Misconfigured, Unavailable: it cannot be opened, so nobody can have looked at it.
        """
        self._check_words(operator, reason)
        row = self._need(content_id)
        pixels = self._opened(row).pixels
        content = {"about": _ABOUT, "outcome": "released", "pixels": pixels, "subjects": sorted(row.subjects.split())}
        content |= {"operator": self._digest(operator), "reason": self._digest(reason)}
        values = self._decided("released", operator, reason, content_id)
        self._ledger.record("override", content_id, content, self._turn(content_id, ("waiting",), values))

    def refuse(self, content_id: str, operator: str, reason: str) -> None:
        """Let the refusal stand and shred the picture. Raises as `release`."""
        self._check_words(operator, reason)
        self._need(content_id)
        content = {"action": "refused", "operator": self._digest(operator), "reason": self._digest(reason)}
        values = {**self._decided("refused", operator, reason, content_id), "wrapped_key": None}
        self._record(content_id, content, self._turn(content_id, _OPEN, values))
        self.shred(content_id)

    def reviewed(self, content_id: str, tenant: str) -> tuple[HeldDraft, Review]:
        """A released picture, for the gateway to go on with, and the review that the chain holds of these very pixels.

        Raises:
            NotFound, Gone: as `status`.
            BadRequest: nobody has decided yet.
            Misconfigured, Unavailable: it cannot be opened, or there is no such decision.
        """
        row = self._theirs(content_id, tenant)
        if row.status != "released":
            raise BadRequest("the picture waits for a decision", hint="Ask again later.")
        kept = self._opened(row)
        found = [each for each in self._ledger.decided(content_id) if _releases(each, kept.pixels)]
        if not found:
            raise Misconfigured(
                "no decision in the chain releases this picture", hint="Run `countermark audit verify`."
            )
        subjects = frozenset(subject for each in found for subject in json.loads(each.body)["subjects"])
        return kept, Review(subjects, tuple(each.hash for each in found))

    def handing_over(self, connection: Connection, content_id: str) -> None:
        """Inside the transaction that issues it: it is handed over once. Raises Gone."""
        values = {"status": "fetched", "wrapped_key": None}
        self._turn(content_id, ("released",), values)(connection)

    def drop(self, content_id: str, code: str) -> None:
        """Shred a picture that a later check refused. Raises Gone, Unavailable."""
        values = {"status": "dropped", "wrapped_key": None}
        self._record(content_id, {"action": "dropped", "code": code}, self._turn(content_id, _OPEN, values))
        self.shred(content_id)

    def shred(self, content_id: str) -> None:
        """Delete what is left once the key is gone. Never raises: without the key it is noise."""
        try:
            self._path(content_id).unlink(missing_ok=True)
            scrub(self._ledger.engine)
        except (OSError, Unavailable) as left:
            log.warning("held_traces_left", content_id=content_id, error=type(left).__name__)

    def purge(self) -> list[str]:
        """Shred every picture whose time is over, and files that belong to none; the ids of the former."""
        over = (table.c.status.in_(_OPEN)) & (table.c.until <= stamp(self._clock()))
        with reading(self._ledger.engine) as connection:
            ids = list(connection.execute(select(table.c.content_id).where(over)).scalars())
        for content_id in ids:
            values = {"status": "expired", "wrapped_key": None}
            with contextlib.suppress(Gone):  # somebody else was faster
                self._record(content_id, {"action": "expired"}, self._turn(content_id, _OPEN, values))
            self.shred(content_id)
        self._sweep()
        return ids

    def _sweep(self) -> None:
        """Files whose picture was ended, or whose row was never written, because a process died in between."""
        with reading(self._ledger.engine) as connection:
            query = select(table.c.content_id).where(table.c.wrapped_key.is_not(None))
            here = {self._path(each) for each in connection.execute(query).scalars()}
        for path in set(self._folder.glob("*")) - here if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < time.time() - _ORPHAN_SECONDS:
                    path.unlink()

    def _turn(self, content_id: str, states: Collection[str], values: dict[str, Any]) -> Callable[[Connection], None]:
        """Writes `values` to the picture if it is in one of `states` and its time is not over before; else Gone."""

        def write(connection: Connection) -> None:
            here = (table.c.content_id == content_id) & table.c.status.in_(states)
            if values["status"] != "expired":
                here &= table.c.until > stamp(self._clock())
            if not connection.execute(table.update().where(here).values(**values)).rowcount:
                raise _gone()

        return write

    def _decided(self, status: State, operator: str, reason: str, content_id: str) -> dict[str, Any]:
        words = self._vault.seal({"reason": reason}, f"reason {content_id}")
        return {
            "status": status, "operator": operator, "decided_at": stamp(self._clock()),
            "words_key": words.wrapped_key, "words": words.box,
        }  # fmt: skip

    def _opened(self, row: Row[Any]) -> HeldDraft:
        try:
            box = self._path(row.content_id).read_bytes()
        except OSError as lost:
            self._need(row.content_id)  # somebody else may have fetched it just now
            raise Unavailable(
                f"the file of the held picture cannot be read: {lost.strerror}",
                hint="It is on the machine that drew it, in the folder `held` of the home folder.",
            ) from lost
        data = self._vault.unlock(Sealed(row.wrapped_key, box), row.content_id)
        try:
            kept = HeldDraft.from_bytes(data)
        except (ValueError, KeyError, TypeError) as foreign:
            raise Misconfigured("another version kept the held picture", hint="Refuse it.") from foreign
        if kept.pixels != row.pixels:
            raise Misconfigured("the held picture is not the one that was kept", hint="Refuse it.")
        return kept

    def _theirs(self, content_id: str, tenant: str) -> Row[Any]:
        row = self._find(content_id)
        if row is None or row.tenant != tenant:
            raise _unknown()
        return self._still(row)

    def _need(self, content_id: str) -> Row[Any]:
        row = self._find(content_id)
        if row is None:
            raise _unknown()
        return self._still(row)

    def _still(self, row: Row[Any]) -> Row[Any]:
        if row.status not in _OPEN or row.until <= stamp(self._clock()):
            raise _gone()
        return row

    def _find(self, content_id: str) -> Row[Any] | None:
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(table).where(table.c.content_id == content_id)).first()

    def _full(self, connection: Connection, tenant: str, size: int) -> bool:
        """Whether one more of this tenant, a file of `size` bytes, is more than there is room for."""
        here = connection.execute(select(table.c.content_id, table.c.tenant).where(table.c.status.in_(_OPEN))).all()
        all_ = [self._size(row.content_id) for row in here]
        own = [bytes_ for bytes_, row in zip(all_, here, strict=True) if row.tenant == tenant]
        full = len(all_) >= MOST or sum(all_) + size > MOST_BYTES
        full |= len(own) >= MOST_OF_ONE or sum(own) + size > MOST_BYTES_OF_ONE
        if full:
            log.error("held_full", pictures=len(all_), bytes=sum(all_), of_tenant=len(own))
        return full

    def _size(self, content_id: str) -> int:
        """Bytes of its file; 0 where it lies on another machine."""
        try:
            return self._path(content_id).stat().st_size
        except OSError:
            return 0

    def _told(self, row: Row[Any]) -> HeldPicture:
        sealed = Sealed(row.words_key, row.words) if row.words_key else None
        reason = self._vault.open(sealed, f"reason {row.content_id}")["reason"] if sealed else None
        return HeldPicture(
            id=row.content_id,
            tenant=row.tenant,
            status=row.status,
            held_at=row.held_at,
            until=row.until,
            subjects=tuple(row.subjects.split()),
            decided_at=row.decided_at,
            operator=row.operator,
            reason=reason,
        )

    def _check_words(self, operator: str, reason: str) -> None:
        if not 0 < len(operator.strip()) <= 100:
            raise BadRequest("a decision names its operator", hint="Give a name of up to 100 characters.")
        if not 0 < len(reason.strip()) <= 4000:
            raise BadRequest("a decision says why", hint="Give a reason of up to 4000 characters.")

    def _path(self, content_id: str) -> Path:
        """By a digest: a content id is a URN, and a file name must not depend on what somebody sends."""
        return self._folder / f"{self._digest(f'held {content_id}')}.box"

    def _record(self, content_id: str, content: dict[str, Any], write: Callable[[Connection], Any]) -> Decision:
        return self._ledger.record("held", content_id, content, write)


class _Full(Exception):
    """There is no room for it."""


def _releases(decision: Decision, pixels: str) -> bool:
    """An operator's decision to release exactly these pixels, as it was written."""
    if decision.kind != "override" or not decision.is_sound():
        return False
    content = json.loads(decision.body)
    told = (content.get("about"), content.get("outcome"), content.get("pixels"))
    return told == (_ABOUT, "released", pixels)


def _unknown() -> Error:
    return NotFound(
        "there is no such held picture", hint="Use the id that the refusal named, and the key it came with."
    )


def _gone() -> Gone:
    return Gone("the held picture is there no more: fetched, refused, or its time is over", stage="review")
