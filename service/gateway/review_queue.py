"""The review queue: images that may show a protected person wait, sealed, until an operator has looked at them.

An image is encrypted under its own key, in a file in the home folder; the key is in the database, wrapped by the
installation's. Whatever ends the wait (fetched, refused, expired) deletes the key first: crypto-shredding. An image
leaves the queue only to the gateway, and only with a decision `override` in the chain about exactly these pixels.
"""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import BaseModel

from service.gateway.held_draft import HeldDraft
from service.gateway.stages import Review
from service.keys.vault import Sealed, Vault
from service.kit import home
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, Gone, Misconfigured, NotFound, Unavailable
from service.ledger.chain import is_sound
from service.ledger.ledger import Ledger
from service.storage import OPEN_STATES, Decision, HeldReview, HeldRow, HeldState, Repositories

log = structlog.get_logger()

State = HeldState
_ABOUT = "held picture"  # part of decisions, so it never changes
MOST, MOST_OF_ONE = 1000, 250
"""Images kept at once, in all and of one tenant; further ones are refused and not kept."""
MOST_BYTES, MOST_BYTES_OF_ONE = 4 << 30, 1 << 30
"""The same for the bytes of their files, so that no tenant can fill the disk or crowd out the others."""
_ORPHAN_SECONDS = 31 * 86400  # no image is kept so long; a younger file may be in use, or belong to another database


class HeldStatus(BaseModel):
    """The state of a held image. Whom it may show is only for the operator."""

    id: str
    status: State
    held_at: str
    until: str


@dataclass(frozen=True, slots=True)
class HeldPicture:
    """A held image in the operator's queue. `subjects` are the ids of those it may show; `tenant` is empty for the
    installation itself. Times are RFC 3339, UTC."""

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
    """The held images of one installation. Safe to share between threads, and between processes of one machine."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        folder: Path,
        days: int,
        digest: Callable[[str], str],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`days`: how long to keep an image. With 0 none is kept, but earlier ones can still be decided."""
        self._ledger = ledger
        self._vault = vault
        self._folder = folder
        self._days = days
        self._digest = digest
        self._clock = clock

    def keep(self, content_id: str, tenant: str, subjects: Collection[str], kept: HeldDraft) -> str | None:
        """Keep an image. Returns until when (RFC 3339), or None if it is not kept.

        Raises:
            Misconfigured, Unavailable, OSError: it could not be stored; then nothing is kept.
        """
        if not self._days:
            return None
        self.purge()
        data = kept.to_bytes()
        with self._ledger.read() as stored:
            if self._is_full(stored, tenant, len(data)):  # checked again when it is recorded
                return None
        sealed, path = self._vault.lock(data, content_id), self._path(content_id)
        row = self._row(content_id, tenant, subjects, kept.pixels, sealed.wrapped_key)
        home.create(path, sealed.box)
        try:
            if self._store(row, len(sealed.box)):
                return stamp(row.until)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)
        return None

    def again(self, content_id: str, tenant: str, subjects: Collection[str], kept: HeldDraft) -> str:
        """Hold a released image again, for people who have become protected since it was reviewed. Returns until when.

        Raises NotFound, Gone, Unavailable.
        """
        row = self._of_tenant(content_id, tenant)
        everybody = sorted({*row.subjects, *subjects})
        with self._ledger.decision("held", content_id) as transaction:
            _check_open(transaction.held.hold_again(content_id, everybody, self._clock()))
            transaction.record(action="held again", subjects=sorted(subjects), pixels=kept.pixels)
        return stamp(row.until)

    def status(self, content_id: str, tenant: str) -> HeldStatus:
        """The state of an image that this tenant (empty: the installation itself) ordered.

        Raises:
            NotFound: there is none, or somebody else ordered it.
            Gone: it was fetched or refused, or its time is over.
        """
        self.purge()
        row = self._of_tenant(content_id, tenant)
        return HeldStatus(id=content_id, status=row.status, held_at=stamp(row.held_at), until=stamp(row.until))

    def queue(self, *, all_: bool = False) -> Iterator[HeldPicture]:
        """Images that wait for a decision, or all, oldest first."""
        self.purge()
        with self._ledger.read() as stored:
            rows = stored.held.by_time(None if all_ else ["waiting"])
        return (self._picture(row) for row in rows)

    def look(self, content_id: str, operator: str = "") -> HeldDraft:
        """The image, for an operator to look at. That they looked is recorded as a decision.

        Raises:
            NotFound, Gone, Misconfigured, Unavailable: there is none, not any more, or it cannot be opened.
        """
        kept = self._opened(self._need(content_id))
        who = {"operator": self._digest(operator)} if operator else {}
        self._ledger.record("held", content_id, {"action": "looked at", **who})
        return kept

    def release(self, content_id: str, operator: str, reason: str) -> None:
        """Decide that these pixels may be released although they may show its subjects: a decision `override`.

        Raises:
            NotFound, Gone: there is no such image, or not any more.
            BadRequest: no operator, no reason, or it was decided before.
            Misconfigured, Unavailable: it cannot be opened, so nobody can have looked at it.
        """
        _check_words(operator, reason)
        row = self._need(content_id)
        pixels = self._opened(row).pixels
        with self._ledger.decision("override", content_id) as transaction:
            _check_open(transaction.held.release(content_id, self._review(content_id, operator, reason)))
            transaction.record(
                about=_ABOUT,
                outcome="released",
                pixels=pixels,
                subjects=sorted(row.subjects),
                operator=self._digest(operator),
                reason=self._digest(reason),
            )

    def refuse(self, content_id: str, operator: str, reason: str) -> None:
        """Uphold the refusal and shred the image. Raises as `release`."""
        _check_words(operator, reason)
        self._need(content_id)
        with self._ledger.decision("held", content_id) as transaction:
            _check_open(transaction.held.refuse(content_id, self._review(content_id, operator, reason)))
            transaction.record(action="refused", operator=self._digest(operator), reason=self._digest(reason))
        self.shred(content_id)

    def reviewed(self, content_id: str, tenant: str) -> tuple[HeldDraft, Review]:
        """A released image, for the gateway to continue with, and the review of exactly these pixels in the chain.

        Raises:
            NotFound, Gone: as `status`.
            BadRequest: nobody has decided yet.
            Misconfigured, Unavailable: it cannot be opened, or there is no such decision.
        """
        row = self._of_tenant(content_id, tenant)
        if row.status != "released":
            raise BadRequest("the image is waiting for a decision", hint="Ask again later.")
        kept = self._opened(row)
        found = [each for each in self._ledger.decided(content_id) if _releases(each, kept.pixels)]
        if not found:
            raise Misconfigured("no decision in the chain releases this image", hint="Run `countermark audit verify`.")
        subjects = frozenset(subject for each in found for subject in each.content["subjects"])
        return kept, Review(subjects, tuple(each.hash for each in found))

    def mark_fetched(self, stored: Repositories, content_id: str) -> None:
        """In the transaction that issues it: it can be fetched only once. Raises Gone."""
        _check_open(stored.held.fetch(content_id, self._clock()))

    def drop(self, content_id: str, code: str) -> None:
        """Shred an image that a later check refused. Raises Gone, Unavailable."""
        with self._ledger.decision("held", content_id) as transaction:
            _check_open(transaction.held.drop(content_id, self._clock()))
            transaction.record(action="dropped", code=code)
        self.shred(content_id)

    def shred(self, content_id: str) -> None:
        """Delete what is left once the key is deleted. Never raises: without the key it is noise."""
        try:
            self._path(content_id).unlink(missing_ok=True)
            self._ledger.scrub()
        except (OSError, Unavailable) as left:
            log.warning("held_traces_left", content_id=content_id, error=type(left).__name__)

    def purge(self) -> list[str]:
        """Shred every image whose time is over, and files without an image; the ids of the former."""
        with self._ledger.read() as stored:
            ids = stored.held.overdue(self._clock())
        for content_id in ids:
            with contextlib.suppress(Gone):  # another process was faster
                self._expire(content_id)
            self.shred(content_id)
        self._sweep()
        return ids

    def _expire(self, content_id: str) -> None:
        with self._ledger.decision("held", content_id) as transaction:
            _check_open(transaction.held.expire(content_id))
            transaction.record(action="expired")

    def _sweep(self) -> None:
        """Delete files whose image has ended, or whose row was never written because a process died in between."""
        with self._ledger.read() as stored:
            known = {self._path(each) for each in stored.held.with_key()}
        for path in set(self._folder.glob("*")) - known if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < time.time() - _ORPHAN_SECONDS:
                    path.unlink()

    def _store(self, row: HeldRow, size: int) -> bool:
        """Record an image whose file has `size` bytes; False where there is no room for it any more."""
        with contextlib.suppress(_Full), self._ledger.decision("held", row.content_id) as transaction:
            if self._is_full(transaction, row.tenant or "", size):
                raise _Full
            transaction.held.add(row)
            transaction.record(action="kept", subjects=sorted(row.subjects), pixels=row.pixels, until=stamp(row.until))
            return True
        return False

    def _row(self, content_id: str, tenant: str, subjects: Collection[str], pixels: str, key: bytes) -> HeldRow:
        now = self._clock()
        until = now + dt.timedelta(days=self._days)
        return HeldRow(content_id, tenant or None, now, until, "waiting", tuple(subjects), pixels, key)

    def _review(self, content_id: str, operator: str, reason: str) -> HeldReview:
        sealed = self._vault.seal({"reason": reason}, f"reason {content_id}")
        return HeldReview(operator, self._clock(), sealed.wrapped_key, sealed.box)

    def _opened(self, row: HeldRow) -> HeldDraft:
        try:
            box = self._path(row.content_id).read_bytes()
        except OSError as lost:
            self._need(row.content_id)  # another process may have fetched it just now
            raise Unavailable(
                f"the file of the held image cannot be read: {lost.strerror}",
                hint="It is on the machine that generated it, in the folder `held` of the home folder.",
            ) from lost
        if row.wrapped_key is None:
            raise _gone()
        data = self._vault.unlock(Sealed(row.wrapped_key, box), row.content_id)
        try:
            kept = HeldDraft.from_bytes(data)
        except (ValueError, KeyError, TypeError) as foreign:
            raise Misconfigured("another version of Countermark kept this image", hint="Refuse it.") from foreign
        if kept.pixels != row.pixels:
            raise Misconfigured("the held image is not the one that was kept", hint="Refuse it.")
        return kept

    def _of_tenant(self, content_id: str, tenant: str) -> HeldRow:
        row = self._find(content_id)
        if row is None or (row.tenant or "") != tenant:
            raise _unknown()
        return self._still_open(row)

    def _need(self, content_id: str) -> HeldRow:
        row = self._find(content_id)
        if row is None:
            raise _unknown()
        return self._still_open(row)

    def _still_open(self, row: HeldRow) -> HeldRow:
        _check_open(row.status in OPEN_STATES and row.until > self._clock())
        return row

    def _find(self, content_id: str) -> HeldRow | None:
        with self._ledger.read() as stored:
            return stored.held.get(content_id)

    def _is_full(self, stored: Repositories, tenant: str, size: int) -> bool:
        """There is no room for one more image of this tenant with a file of `size` bytes."""
        rows = stored.held.by_time(OPEN_STATES)
        sizes = [self._size(row.content_id) for row in rows]
        own = [bytes_ for bytes_, row in zip(sizes, rows, strict=True) if (row.tenant or "") == tenant]
        full = len(sizes) >= MOST or sum(sizes) + size > MOST_BYTES
        full |= len(own) >= MOST_OF_ONE or sum(own) + size > MOST_BYTES_OF_ONE
        if full:
            log.error("held_full", images=len(sizes), bytes=sum(sizes), of_tenant=len(own))
        return full

    def _size(self, content_id: str) -> int:
        """The bytes of its file; 0 where it is on another machine."""
        try:
            return self._path(content_id).stat().st_size
        except OSError:
            return 0

    def _picture(self, row: HeldRow) -> HeldPicture:
        return HeldPicture(
            id=row.content_id,
            tenant=row.tenant or "",
            status=row.status,
            held_at=stamp(row.held_at),
            until=stamp(row.until),
            subjects=row.subjects,
            decided_at=stamp(row.decided_at) if row.decided_at else None,
            operator=row.operator,
            reason=self._reason(row),
        )

    def _reason(self, row: HeldRow) -> str | None:
        if row.words_key is None or row.words is None:
            return None
        return self._vault.open(Sealed(row.words_key, row.words), f"reason {row.content_id}")["reason"]

    def _path(self, content_id: str) -> Path:
        """Named by a digest: a content id is a URN, and a file name must not depend on what somebody sends."""
        return self._folder / f"{self._digest(f'held {content_id}')}.box"


class _Full(Exception):
    """There is no room for one more image."""


def _check_words(operator: str, reason: str) -> None:
    if not 0 < len(operator.strip()) <= 100:
        raise BadRequest("a decision needs an operator", hint="Give a name of up to 100 characters.")
    if not 0 < len(reason.strip()) <= 4000:
        raise BadRequest("a decision needs a reason", hint="Give a reason of up to 4000 characters.")


def _releases(decision: Decision, pixels: str) -> bool:
    """An operator's decision to release exactly these pixels, as it was written."""
    if decision.kind != "override" or not is_sound(decision):
        return False
    content = decision.content
    return (content.get("about"), content.get("outcome"), content.get("pixels")) == (_ABOUT, "released", pixels)


def _check_open(is_open: bool) -> None:
    if not is_open:
        raise _gone()


def _unknown() -> NotFound:
    return NotFound(
        "there is no such held image", hint="Use the id that the refusal named, and the key that ordered the image."
    )


def _gone() -> Gone:
    return Gone("the held image was fetched or refused, or its time is over", stage="review")
