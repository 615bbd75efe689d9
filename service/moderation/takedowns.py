"""Notices of removal: what the TAKE IT DOWN Act asks of whoever gives one, and of us within 48 hours.

47 U.S.C. 223a(a)(1)(B) names what a notice holds: a signature, what identifies and locates the picture, a statement
of the good-faith belief that it is not consensual, and a way to contact the signer; (a)(3) the 48 hours, and that known
identical copies go too. So the picture is blocked by its hashes, at once where the operator wants that.

What is personal is sealed (`service.keys.vault`); the chain of decisions holds case numbers and digests alone. An
uploaded copy is hashed and not kept.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Connection, Row, false, select, update

from detectors import fingerprint, listings
from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import fresh_pin, fresh_reference, hash_pin, right_pin
from service.kit.clock import utc_now
from service.kit.errors import BadRequest, NotFound
from service.kit.strict_schema import StrictModel
from service.ledger.ledger import Issue, Ledger
from service.media.pictures import Picture
from service.moderation.blocklist import SAME_PICTURE_BITS, TAKEDOWNS, Blocklist
from service.moderation.hash_lists import LEAST_QUALITY, Listed
from service.storage import appeals, reading, scrub
from service.storage import takedowns as cases

DEADLINE = dt.timedelta(hours=48)

Status = Literal["received", "removed", "rejected", "appealed"]
Decided = Literal["removed", "rejected"]

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_OPEN = ("received", "appealed")


class Notice(StrictModel):
    """A notice as it is sent. Unknown fields are refused; at least one field or a picture must identify the image."""

    signature: _Text = Field(max_length=200, description="Your name, typed: your electronic signature.")
    on_behalf: bool = Field(False, description="You are authorised by the person who is shown.")
    content_id: str | None = Field(None, pattern=r"^urn:uuid:[0-9a-f-]{36}$", description="The image's id here.")
    url: str | None = Field(None, min_length=4, max_length=2000, description="Where it was published.")
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$", description="SHA-256 of the file.")
    location: str = Field("", max_length=2000, description="Anything else that helps to find it.")
    statement: _Text = Field(max_length=4000, description="Why you believe it was published without consent.")
    good_faith: Literal[True] = Field(description="You believe in good faith that it is not consensual.")
    contact: _Text = Field(min_length=3, max_length=500, description="Mail address, phone or postal address.")

    def personal(self) -> dict[str, str]:
        """The fields that are sealed."""
        names = ("signature", "url", "location", "statement", "contact")
        return {**{name: getattr(self, name) or "" for name in names}, "on_behalf": str(self.on_behalf).lower()}


class TakedownReceipt(BaseModel):
    """The answer to a notice. The PIN is shown this once."""

    case: str
    pin: str
    status: Status
    received_at: str
    due_at: str
    blocked: bool = Field(description="The picture is blocked already.")


class CaseStatus(BaseModel):
    """What the reporter learns with case number and PIN."""

    case: str
    status: Status
    received_at: str
    due_at: str
    decided_at: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """What the operator sees of a notice without opening it; times are RFC 3339 UTC."""

    case: str
    received_at: str
    due_at: str
    status: Status
    decided: Decided | None
    decided_at: str | None
    operator: str | None
    content_id: str | None
    sha256: str | None
    duplicate_of: str | None
    overdue: bool
    readable: bool


class Takedowns:
    """The notices of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        blocklist: Blocklist,
        vault: Vault,
        digest: Callable[[str], str],
        read_mark: Callable[[Picture], int | None],
        *,
        block_at_receipt: bool = True,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`digest` keys what could be guessed, `read_mark` finds our mark in a picture."""
        self._ledger = ledger
        self._blocklist = blocklist
        self._vault = vault
        self._digest = digest
        self._read_mark = read_mark
        self._block_at_receipt = block_at_receipt
        self._clock = clock

    def receive(self, notice: Notice, copy: Picture | None = None) -> TakedownReceipt:
        """Take a notice in, with a copy of the picture or without.

        Raises:
            BadRequest: nothing identifies the picture.
            Unavailable: it could not be stored.
        """
        if not (copy or notice.content_id or notice.sha256 or notice.url):
            raise BadRequest("nothing identifies the picture", hint="Send content_id, url, sha256 or the picture.")
        image = self._resolve(notice, copy)
        hashes = _hashes(notice, copy, image)
        case, pin, now = fresh_reference("T"), fresh_pin(), self._clock()
        salt, pin_hash = hash_pin(pin)
        sealed = self._vault.seal(notice.personal(), case)
        row: dict[str, Any] = {
            "case": case, "pin_salt": salt, "pin_hash": pin_hash,
            "received_at": _stamp(now), "due_at": _stamp(now + DEADLINE), "status": "received",
            "content_id": image.content_id if image else notice.content_id,
            "sha256": copy.sha256 if copy else (notice.sha256 or "").lower() or None,
            "wrapped_key": sealed.wrapped_key, "sealed": sealed.box,
        }  # fmt: skip
        row["target"] = row["content_id"] or row["sha256"] or self._digest(notice.url or "")
        blocked = self._block_at_receipt and bool(hashes)
        content = {"action": "received", "due_at": row["due_at"], "sealed": _sha256(sealed.box), "blocked": blocked}

        def write(connection: Connection) -> None:
            row["duplicate_of"] = _first_of(connection, row["target"])
            connection.execute(cases.insert().values(**row))
            self._blocklist.adding(connection, hashes, TAKEDOWNS, case, active=blocked)

        self._ledger.record("takedown", case, content, write)
        return TakedownReceipt(
            case=case,
            pin=pin,
            status="received",
            received_at=row["received_at"],
            due_at=row["due_at"],
            blocked=blocked,
        )

    def status(self, case: str, pin: str) -> CaseStatus:
        """What the reporter may know. Raises NotFound for a wrong case or PIN, without telling which."""
        row = self._find(case)
        salt, expected = (row.pin_salt, row.pin_hash) if row else (bytes(16), bytes(32))
        if not right_pin(pin, salt, expected) or row is None:  # the same work for both
            raise NotFound("there is no such case under this PIN", hint="Check the case number and the PIN.")
        told = ("case", "status", "received_at", "due_at", "decided_at")
        return CaseStatus(**{name: row._mapping[name] for name in told}, reason=self._personal(row).get("reason"))

    def list(self, *, all_: bool = False) -> Iterator[Case]:
        """Open notices, or all, by the time they are due."""
        query = select(cases).order_by(cases.c.due_at, cases.c.received_at)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(query if all_ else query.where(cases.c.status.in_(_OPEN))).all()
        return (self._case(row) for row in rows)

    def show(self, case: str) -> tuple[Case, dict[str, str]]:
        """A notice with what is personal in it; that is empty once it was forgotten. Raises NotFound."""
        row = self._need(case)
        return self._case(row), self._personal(row)

    def resolve(self, case: str, decided: Decided, operator: str, reason: str = "") -> tuple[str, ...]:
        """Decide a notice; its picture is blocked, or free again, at once. Open duplicates are removed along with it.

        Returns the cases that were decided.

        Raises:
            NotFound: there is no such case.
            BadRequest: no operator, a rejection without reason, or the case is decided (appeal it) or under appeal.
        """
        _check_words(operator, reason, needed=decided == "rejected")
        row = self._need(case)
        if row.status != "received":
            raise BadRequest(f"the case is {row.status}", hint="A decided case changes by an appeal alone.")
        rows = [row, *(self._open_duplicates(row) if decided == "removed" else ())]
        for each in rows:
            self._decide(each, decided, operator, reason, "decided")
        return tuple(each.case for each in rows)

    def under_appeal(self, connection: Connection, case: str) -> None:
        """Mark a case as appealed, within the appeal's transaction.

        Raises:
            NotFound: there is no such case.
            BadRequest: it is under appeal already, or nothing has been done that one could appeal against.
        """
        status = connection.execute(select(cases.c.status).where(cases.c.case == case)).scalar()
        if status is None:
            raise NotFound("there is no such case", hint="Check the case number.")
        if status == "appealed":
            raise BadRequest("the case is under appeal already", hint="Wait for that appeal's outcome.")
        if status == "received" and not self._blocklist.active(connection, TAKEDOWNS, case):
            raise BadRequest("nothing is decided or blocked yet", hint="Wait for the decision; it is due in 48 hours.")
        connection.execute(update(cases).where(cases.c.case == case).values(status="appealed"))

    def after_appeal(self, connection: Connection, case: str, *, overturned: bool, operator: str, reason: str) -> None:
        """Restore what was decided, or turn it round: within the transaction of the appeal's decision.

        What frees a picture frees it of every notice about it that was decided alike: they would go on blocking it.
        """
        row = connection.execute(select(cases).where(cases.c.case == case)).one()
        if not overturned:
            values = {"status": row.decided or "received"}
            connection.execute(update(cases).where(cases.c.case == case).values(**values))
            return
        after = "removed" if row.decided == "rejected" else "rejected"
        alike = (cases.c.target == row.target) & (cases.c.status == "removed") if after == "rejected" else false()
        turned = connection.execute(select(cases).where((cases.c.case == case) | alike)).all()
        now = _stamp(self._clock())
        for each in turned:
            self._blocklist.switching(connection, TAKEDOWNS, each.case, active=after == "removed")
            box = self._with_reason(each, reason)
            values = {"status": after, "decided": after, "decided_at": now, "operator": operator}
            values |= {"sealed": box.box} if box else {}
            connection.execute(update(cases).where(cases.c.case == each.case).values(**values))

    def forget(self, case: str) -> None:
        """Destroy the key of what is personal, in the case and in appeals about it: nobody can read it again. Case,
        decision and block stay.

        Raises:
            NotFound: there is no such case.
            BadRequest: it is not decided yet.
            Unavailable: it is forgotten, but traces are left for now (see `storage.scrub`).
        """
        row = self._need(case)
        if row.decided is None or row.status == "appealed":
            raise BadRequest(f"the case is {row.status}", hint="Decide it first; then forget it.")

        def write(connection: Connection) -> None:
            gone = {"wrapped_key": None, "sealed": None}
            connection.execute(update(cases).where(cases.c.case == case).values(**gone))
            about = (appeals.c.subject == case) & (appeals.c.status != "filed")
            connection.execute(update(appeals).where(about).values(**gone))

        self._ledger.record("takedown", case, {"action": "forgotten"}, write)
        scrub(self._ledger.engine)

    def _resolve(self, notice: Notice, copy: Picture | None) -> Issue | None:
        """The image issued here that the notice means: by its id, its file, its looks, or the mark in the copy."""
        sha256 = copy.sha256 if copy else (notice.sha256 or "").lower()
        image = self._ledger.by_content_id(notice.content_id) if notice.content_id else None
        image = image or (self._ledger.by_sha256(sha256) if sha256 else None)
        if image or copy is None:
            return image
        look = fingerprint(copy.rgb)
        if look.quality >= LEAST_QUALITY and (same := self._ledger.similar(look.bits, SAME_PICTURE_BITS, most=1)):
            return same[0][0]
        mark = self._read_mark(copy)
        return None if mark is None else self._ledger.by_mark(mark)

    def _decide(self, row: Row[Any], decided: Decided, operator: str, reason: str, action: str) -> None:
        sealed = self._with_reason(row, reason)
        now = _stamp(self._clock())
        content = {"action": action, "outcome": decided, "operator": self._digest(operator)}
        content["reason"] = self._digest(reason)
        values = {"status": decided, "decided": decided, "decided_at": now, "operator": operator}
        box = {"sealed": sealed.box} if sealed else {}

        def write(connection: Connection) -> None:
            which = (cases.c.case == row.case, cases.c.status == "received")
            if not connection.execute(update(cases).where(*which).values(**values, **box)).rowcount:
                raise BadRequest("somebody else decided the case just now", hint="Look at it again.")
            self._blocklist.switching(connection, TAKEDOWNS, row.case, active=decided == "removed")

        self._ledger.record("takedown", row.case, content, write)

    def _with_reason(self, row: Row[Any], reason: str) -> Sealed | None:
        if not reason or row.wrapped_key is None:
            return None
        sealed = Sealed(row.wrapped_key, row.sealed)
        return self._vault.reseal(sealed, {**self._vault.open(sealed, row.case), "reason": reason}, row.case)

    def _open_duplicates(self, row: Row[Any]) -> Sequence[Row[Any]]:
        """Other notices about the same picture that would block nothing this one does not: a notice that adds a
        picture of its own has to be looked at."""
        same = (cases.c.target == row.target, cases.c.status == "received", cases.c.case != row.case)
        with reading(self._ledger.engine) as connection:
            here = self._blocklist.hashes(connection, TAKEDOWNS, row.case)
            rows = connection.execute(select(cases).where(*same)).all()
            return [one for one in rows if self._blocklist.hashes(connection, TAKEDOWNS, one.case) <= here]

    def _personal(self, row: Row[Any]) -> dict[str, str]:
        if row.wrapped_key is None:
            return {}
        return self._vault.open(Sealed(row.wrapped_key, row.sealed), row.case)

    def _find(self, case: str) -> Row[Any] | None:
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(cases).where(cases.c.case == case)).first()

    def _need(self, case: str) -> Row[Any]:
        row = self._find(case)
        if row is None:
            raise NotFound(f"there is no case {case}", hint="See `countermark takedowns list --all`.")
        return row

    def _case(self, row: Row[Any]) -> Case:
        told = {name: row._mapping[name] for name in Case.__slots__ if name in row._mapping}
        overdue = row.decided is None and dt.datetime.fromisoformat(row.due_at) < self._clock()
        return Case(**told, overdue=overdue, readable=row.wrapped_key is not None)


def check_operator(operator: str) -> None:
    """Raises BadRequest where a decision names nobody."""
    _check_words(operator, "", needed=False)


def _check_words(operator: str, reason: str, *, needed: bool) -> None:
    if not 0 < len(operator.strip()) <= 100:
        raise BadRequest("a decision names its operator", hint="Give a name of up to 100 characters.")
    if needed and not reason.strip():
        raise BadRequest("a rejection says why", hint="Give a reason; the reporter reads it.")


def _hashes(notice: Notice, copy: Picture | None, image: Issue | None) -> Sequence[Listed]:
    """Everything the picture is known by: our file's hashes, the copy's, and the file that was named."""
    files = [image.sha256 if image else None, copy.sha256 if copy else None, (notice.sha256 or "").lower()]
    seen = [(image.fingerprint, image.fingerprint_quality)] if image else []
    seen += [(look.bits, look.quality) for look in listings(copy.rgb)] if copy else []
    pdq = [bits.hex() for bits, quality in seen if quality >= LEAST_QUALITY]
    listed = [Listed("sha256", file) for file in files if file] + [Listed("pdq", hash_) for hash_ in pdq]
    return tuple(dict.fromkeys(listed))


def _first_of(connection: Connection, target: str) -> str | None:
    """The earliest notice about the same picture that was not rejected."""
    same = select(cases.c.case).where(cases.c.target == target, cases.c.status != "rejected")
    return connection.execute(same.order_by(cases.c.received_at)).scalar()


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
