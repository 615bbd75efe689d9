"""Takedown notices, as the TAKE IT DOWN Act requires: removal within 48 hours.

47 U.S.C. 223a(a)(3) sets the 48 hours and extends removal to known identical copies. So the image is blocked by its
hashes, on receipt if the operator chooses so: until it is decided if the sender is known, else in a quarantine that
ends by itself.

Personal data is sealed (`service.keys.vault`); the decision chain contains case numbers and digests alone. An uploaded
copy is hashed and not kept.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence

import structlog

from detectors import fingerprint, listings
from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import hash_pin, new_case_number, new_pin, verify_pin
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, NotFound
from service.ledger.ledger import Issue, Ledger
from service.ledger.transaction import Transaction
from service.media.pictures import Picture
from service.moderation.blocklist import SAME_PICTURE_BITS, TAKEDOWNS, Blocklist
from service.moderation.hash_lists import LEAST_QUALITY, Listed
from service.moderation.notices import (
    OPERATOR,
    Case,
    CaseStatus,
    Decided,
    Notice,
    QuarantineLimits,
    Sender,
    TakedownReceipt,
)
from service.storage import Repositories, TakedownRow

log = structlog.get_logger()

DEADLINE = dt.timedelta(hours=48)
_A_DAY = dt.timedelta(days=1)


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
        block_on_notice: bool = True,
        quarantine: QuarantineLimits | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`digest` is keyed, for values that could be guessed; `read_mark` reads our watermark from an image."""
        self._ledger = ledger
        self._blocklist = blocklist
        self._vault = vault
        self._digest = digest
        self._read_mark = read_mark
        self._block_at_receipt = block_on_notice
        self._quarantine = quarantine or QuarantineLimits()
        self._clock = clock

    def receive(self, notice: Notice, copy: Picture | None = None, sender: Sender = OPERATOR) -> TakedownReceipt:
        """Store a notice, with or without a copy of the image. The operator is told by a log line.

        A known sender's notice blocks the image until it is decided. An anonymous one puts it in quarantine, which ends
        by itself, within QuarantineLimits: a stranger can neither block an image for good nor many images at once.

        Raises:
            BadRequest: nothing identifies the image.
            Unavailable: the notice could not be stored.
        """
        if not (copy or notice.content_id or notice.sha256 or notice.url):
            raise BadRequest("nothing identifies the image", hint="Send content_id, url, sha256 or the image itself.")
        image = self._resolve(notice, copy)
        hashes = _hashes(notice, copy, image)
        case, pin, now = new_case_number("T"), new_pin(), self._clock()
        salt, pin_hash = hash_pin(pin)
        sealed = self._vault.seal(notice.personal(), case)
        content_id = image.content_id if image else notice.content_id
        sha256 = copy.sha256 if copy else (notice.sha256 or "").lower() or None
        target = content_id or sha256 or self._digest(notice.url or "")
        due_at = now + DEADLINE
        from_ = self._digest(sender.address) if sender.name is None else None
        with self._ledger.decision("takedown", case) as transaction:
            allowed = sender.name is not None or self._may_quarantine(transaction, target, from_, now)
            blocked = self._block_at_receipt and bool(hashes) and allowed
            until = now + self._quarantine.lasts if blocked and sender.name is None else None
            transaction.takedowns.add(
                TakedownRow(
                    case=case,
                    pin_salt=salt,
                    pin_hash=pin_hash,
                    received_at=now,
                    due_at=due_at,
                    status="received",
                    target=target,
                    content_id=content_id,
                    sha256=sha256,
                    duplicate_of=transaction.takedowns.first_about(target),
                    wrapped_key=sealed.wrapped_key,
                    sealed=sealed.box,
                    sender=from_,
                    quarantined_until=until,
                )
            )
            transaction.blocklist.add(hashes, TAKEDOWNS, case, now, active=blocked, until=until)
            ends = stamp(until) if until else None
            transaction.record(
                action="received", due_at=stamp(due_at), sealed=_sha256(sealed.box), blocked=blocked, until=ends
            )
        log.warning("takedown_received", case=case, due_at=stamp(due_at), blocked=blocked, quarantined_until=ends)
        return TakedownReceipt(
            case=case,
            pin=pin,
            status="received",
            received_at=stamp(now),
            due_at=stamp(due_at),
            blocked=blocked,
            quarantined_until=ends,
        )

    def _may_quarantine(self, stored: Repositories, target: str, sender: str | None, now: dt.datetime) -> bool:
        """Whether one more anonymous notice may block its image: within the limits, and once for each image."""
        limits = self._quarantine
        return (
            stored.takedowns.quarantined(now) < limits.at_once
            and stored.takedowns.quarantines_from(sender or "", now - _A_DAY) < limits.per_address
            and not stored.takedowns.was_quarantined(target, now)
        )

    def status(self, case: str, pin: str) -> CaseStatus:
        """What the reporter may know. Raises NotFound for a wrong case or PIN, without revealing which."""
        row = self._find(case)
        salt, expected = (row.pin_salt, row.pin_hash) if row else (bytes(16), bytes(32))
        if not verify_pin(pin, salt, expected) or row is None:  # the same work for both
            raise NotFound("no case has this number and PIN", hint="Check the case number and the PIN.")
        return CaseStatus(
            case=row.case,
            status=row.status,
            received_at=stamp(row.received_at),
            due_at=stamp(row.due_at),
            decided_at=stamp(row.decided_at) if row.decided_at else None,
            reason=self._personal(row).get("reason"),
        )

    def list(self, *, all_: bool = False) -> Iterator[Case]:
        """Open notices, or all, in the order in which they are due."""
        with self._ledger.read() as stored:
            rows = stored.takedowns.by_due_time(only_open=not all_)
        return (self._case(row) for row in rows)

    def show(self, case: str) -> tuple[Case, dict[str, str]]:
        """A notice with its personal data, which is empty once it was forgotten. Raises NotFound."""
        row = self._need(case)
        return self._case(row), self._personal(row)

    def resolve(self, case: str, decided: Decided, operator: str, reason: str = "") -> tuple[str, ...]:
        """Decide a notice: its image is blocked, or unblocked, at once. A removal also removes its open duplicates.

        Returns the cases that were decided.

        Raises:
            NotFound: there is no such case.
            BadRequest: no operator, a rejection without a reason, or the case is decided or under appeal.
        """
        _check_words(operator, reason, needed=decided == "rejected")
        row = self._need(case)
        if row.status != "received":
            raise BadRequest(f"the case is {row.status}", hint="Only an appeal can change a decided case.")
        rows = [row, *(self._open_duplicates(row) if decided == "removed" else ())]
        for each in rows:
            self._decide(each, decided, operator, reason)
        return tuple(each.case for each in rows)

    def forget(self, case: str) -> None:
        """Destroy the key of the personal data in a case and in the appeals about it, so that nobody can read it again.
        Case, decision and block stay.

        Raises:
            NotFound: there is no such case.
            BadRequest: it is not decided yet.
            Unavailable: it is forgotten, but traces remain for now (see `Ledger.scrub`).
        """
        row = self._need(case)
        if row.decided is None or row.status == "appealed":
            raise BadRequest(f"the case is {row.status}", hint="Decide it first; then forget it.")
        with self._ledger.decision("takedown", case) as transaction:
            transaction.takedowns.forget(case)
            transaction.appeals.forget_resolved(case)
            transaction.record(action="forgotten")
        self._ledger.scrub()

    def put_under_appeal(self, stored: Repositories, case: str) -> None:
        """Mark a case as appealed, in the appeal's transaction.

        Raises:
            NotFound: there is no such case.
            BadRequest: it is under appeal already, or nothing was done that could be appealed.
        """
        row = stored.takedowns.get(case)
        if row is None:
            raise NotFound("there is no such case", hint="Check the case number.")
        if row.status == "appealed":
            raise BadRequest("the case is under appeal already", hint="Wait for the outcome of that appeal.")
        if row.status == "received" and not any(stored.blocklist.states(TAKEDOWNS, case).values()):
            raise BadRequest(
                "nothing is decided or blocked yet", hint="Wait for the decision, which is due within 48 hours."
            )
        stored.takedowns.set_status(case, "appealed")

    def end_appeal(self, stored: Repositories, case: str, *, overturned: bool, operator: str, reason: str) -> None:
        """Restore the outcome of a case, or reverse it, in the transaction of the appeal's decision.

        An image that is unblocked is unblocked for every notice about it that was decided alike: they would keep it
        blocked. Raises NotFound where there is no such case.
        """
        row = stored.takedowns.get(case)
        if row is None:
            raise NotFound("there is no such case", hint="Check the case number.")
        if not overturned:
            stored.takedowns.set_status(case, row.decided or "received")
            return
        outcome: Decided = "removed" if row.decided == "rejected" else "rejected"
        alike = stored.takedowns.about(row.target, "removed") if outcome == "rejected" else []
        for each in (row, *(other for other in alike if other.case != case)):
            self._store_outcome(stored, each, outcome, operator, reason)

    def _resolve(self, notice: Notice, copy: Picture | None) -> Issue | None:
        """The image issued here that the notice is about: by id, file, similarity, or the watermark in the copy."""
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

    def _decide(self, row: TakedownRow, decided: Decided, operator: str, reason: str) -> None:
        with self._ledger.decision("takedown", row.case) as transaction:
            _check_undecided(transaction, row.case)
            self._store_outcome(transaction, row, decided, operator, reason)
            transaction.record(
                action="decided", outcome=decided, operator=self._digest(operator), reason=self._digest(reason)
            )

    def _store_outcome(
        self, stored: Repositories, row: TakedownRow, outcome: Decided, operator: str, reason: str
    ) -> None:
        """The outcome of a case, and with it the block of its image."""
        stored.blocklist.switch(TAKEDOWNS, row.case, active=outcome == "removed")
        stored.takedowns.decide(row.case, outcome, operator, self._clock(), self._with_reason(row, reason))

    def _with_reason(self, row: TakedownRow, reason: str) -> bytes | None:
        """The sealed text with a reason added; None where there is nothing to add, or nothing to add it to."""
        sealed = _sealed(row)
        if not reason or sealed is None:
            return None
        return self._vault.reseal(sealed, {**self._vault.open(sealed, row.case), "reason": reason}, row.case).box

    def _open_duplicates(self, row: TakedownRow) -> Sequence[TakedownRow]:
        """Other open notices about the same image that would block nothing that this one does not. A notice with an
        image of its own has to be looked at."""
        with self._ledger.read() as stored:
            known = stored.blocklist.states(TAKEDOWNS, row.case).keys()
            others = [each for each in stored.takedowns.about(row.target, "received") if each.case != row.case]
            return [each for each in others if stored.blocklist.states(TAKEDOWNS, each.case).keys() <= known]

    def _personal(self, row: TakedownRow) -> dict[str, str]:
        sealed = _sealed(row)
        return {} if sealed is None else self._vault.open(sealed, row.case)

    def _find(self, case: str) -> TakedownRow | None:
        with self._ledger.read() as stored:
            return stored.takedowns.get(case)

    def _need(self, case: str) -> TakedownRow:
        row = self._find(case)
        if row is None:
            raise NotFound(f"there is no case {case}", hint="See `countermark takedowns list --all`.")
        return row

    def _case(self, row: TakedownRow) -> Case:
        return Case(
            case=row.case,
            received_at=stamp(row.received_at),
            due_at=stamp(row.due_at),
            status=row.status,
            decided=row.decided,
            decided_at=stamp(row.decided_at) if row.decided_at else None,
            operator=row.operator,
            content_id=row.content_id,
            sha256=row.sha256,
            duplicate_of=row.duplicate_of,
            overdue=row.decided is None and row.due_at < self._clock(),
            readable=row.wrapped_key is not None,
            quarantined_until=stamp(row.quarantined_until) if row.quarantined_until and not row.decided else None,
        )


def check_operator(operator: str) -> None:
    """Raises BadRequest where a decision does not name its operator."""
    _check_words(operator, "", needed=False)


def _check_words(operator: str, reason: str, *, needed: bool) -> None:
    if not 0 < len(operator.strip()) <= 100:
        raise BadRequest("a decision needs an operator", hint="Give a name of up to 100 characters.")
    if needed and not reason.strip():
        raise BadRequest("a rejection needs a reason", hint="Give a reason; the reporter reads it.")


def _check_undecided(transaction: Transaction, case: str) -> None:
    """Another operator may have decided since the case was read. Raises BadRequest."""
    row = transaction.takedowns.get(case)
    if row is None or row.status != "received":
        raise BadRequest("somebody else has just decided the case", hint="Look at it again.")


def _hashes(notice: Notice, copy: Picture | None, image: Issue | None) -> Sequence[Listed]:
    """Every hash of the image: of the file issued here, of the copy, and of the file that was named."""
    files = [image.sha256 if image else None, copy.sha256 if copy else None, (notice.sha256 or "").lower()]
    looks = [(image.fingerprint, image.fingerprint_quality)] if image else []
    looks += [(look.bits, look.quality) for look in listings(copy.rgb)] if copy else []
    pdq = [bits.hex() for bits, quality in looks if quality >= LEAST_QUALITY]
    listed = [Listed("sha256", file) for file in files if file] + [Listed("pdq", hash_) for hash_ in pdq]
    return tuple(dict.fromkeys(listed))


def _sealed(row: TakedownRow) -> Sealed | None:
    """The personal data; None once it was forgotten."""
    if row.wrapped_key is None or row.sealed is None:
        return None
    return Sealed(row.wrapped_key, row.sealed)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
