"""Answers to requests with an Idempotency-Key, kept so that a client that heard nothing can ask again.

An answer is on the disk before its first byte leaves. So a crash before that leaves a request without an answer, which
is carried out again when it is sent again; nobody received what the first attempt made. A crash after it leaves the
answer, which is given again. In no case does one key get two different answers.

Bodies (images, a new PIN) are files in the home folder, sealed under their own keys; without its row none can be read.
"""

import datetime as dt
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from service.keys.vault import Sealed, Vault
from service.kit import home
from service.kit.clock import utc_now
from service.kit.errors import Busy, IdempotencyKeyInUse, IdempotencyKeyReused, Unavailable
from service.ledger.ledger import Ledger
from service.storage import AnswerRow, Repositories

log = structlog.get_logger()

MOST_BYTES = 8 << 30
MOST_BYTES_OF_ONE = 2 << 30
"""Bytes of kept answers, of all callers and of one."""

_LONGEST_RETRY = 5
_FULL_RETRY = 600
_PURGE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was, or will be, sent. `headers`: name and value of each, without the length of the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a request. `id` names the request, `owner` whoever answers it."""

    id: str
    owner: str


class Answers:
    """The kept answers of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        folder: Path,
        digest: Callable[[str], str],
        *,
        kept: dt.timedelta,
        lease: dt.timedelta,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`digest` is keyed: neither keys of clients nor requests are stored. `kept`: for how long an answer is given
        again. `lease`: after which a request whose process died is carried out anew."""
        self._ledger = ledger
        self._vault = vault
        self._folder = folder
        self._digest = digest
        self._kept = kept
        self._clock = clock
        self._purged = -_PURGE_SECONDS
        self.lease = lease

    def begin(self, caller: str, key: str, request: str) -> Claim | Answer:
        """The right to answer a request, or the answer that it had before.

        Args:
            caller: who asks; another one's keys are other keys.
            key: the client's Idempotency-Key.
            request: equal for equal requests, different for others.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            IdempotencyKeyInUse: the same request is being answered right now.
            Busy: too many answers of this caller, or of all, are kept.
            Unavailable, Misconfigured: the ledger does not answer, or the kept answer cannot be read.
        """
        self._purge()
        who = self._digest(f"caller {caller}")
        number = self._digest(f"answer {who} {key}")
        fingerprint, claim = self._digest(f"request {request}"), Claim(number, uuid.uuid4().hex)
        with self._ledger.write() as stored:
            now, row = self._clock(), stored.answers.get(number)
            if row is not None and row.status is None and row.lease_until > now:
                raise _reused() if row.fingerprint != fingerprint else _in_use(row, now)
            if row is None or row.expires_at <= now:
                self._add(stored, AnswerRow(number, who, fingerprint, now + self._kept, claim.owner, now + self.lease))
                return claim
            if row.fingerprint != fingerprint:
                raise _reused()
            if row.status is None:  # the process that began it died
                stored.answers.take_over(number, claim.owner, now + self.lease)
                return claim
        return self._opened(row)

    def renew(self, claim: Claim) -> bool:
        """Keep a claim for another lease; False where it was lost. Raises Unavailable."""
        with self._ledger.write() as stored:
            return stored.answers.renew(claim.id, claim.owner, self._clock() + self.lease)

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer. It may be sent afterwards, and only then.

        Raises:
            Unavailable: it could not be stored, or the claim was lost: somebody else answers the request.
        """
        sealed, path = self._vault.lock(answer.body, claim.id), self._path(claim.id, claim.owner)
        try:
            home.replace(path, sealed.box)
            with self._ledger.write() as stored:
                kept = stored.answers.answer(
                    claim.id, claim.owner, answer.status, answer.headers, len(sealed.box), sealed.wrapped_key
                )
            if not kept:
                raise Unavailable("the request took so long that another one took its place", hint="Send it again.")
        except BaseException as fault:
            path.unlink(missing_ok=True)
            if isinstance(fault, OSError):
                raise Unavailable(f"the answer could not be stored: {fault.strerror}", hint="Send it again.") from fault
            raise

    def forget(self, claim: Claim) -> None:
        """Give a claim up without an answer: the next request with the key is carried out. Raises Unavailable."""
        with self._ledger.write() as stored:
            stored.answers.forget(claim.id, claim.owner)

    def _add(self, stored: Repositories, row: AnswerRow) -> None:
        stored.answers.delete(row.id)
        if stored.answers.size() >= MOST_BYTES or stored.answers.size(row.caller) >= MOST_BYTES_OF_ONE:
            raise Busy(
                "too many answers are kept for Idempotency-Keys",
                retry_after=_FULL_RETRY,
                hint="Nothing was done. Send the request without the key, or wait until older answers have expired.",
            )
        stored.answers.add(row)

    def _opened(self, row: AnswerRow) -> Answer:
        if row.status is None or row.wrapped_key is None:
            raise Unavailable("the kept answer is incomplete", hint="Send the request with a new key.")
        try:
            box = self._path(row.id, row.owner).read_bytes()
        except OSError as lost:
            raise Unavailable(
                f"the kept answer cannot be read: {lost.strerror}",
                hint="It is in the home folder of the machine that answered. To have it done anew, send a new key.",
            ) from lost
        body = self._vault.unlock(Sealed(row.wrapped_key, box), row.id)
        return Answer(row.status, tuple((name, value) for name, value in row.headers or ()), body)

    def _purge(self) -> None:
        """Now and then: forget expired answers, and delete files without one."""
        if time.monotonic() < self._purged + _PURGE_SECONDS:
            return
        self._purged = time.monotonic()
        with self._ledger.write() as stored:
            expired = [self._path(*each) for each in stored.answers.delete_expired(self._clock())]
            known = {self._path(*each) for each in stored.answers.files()}
        for path in expired:
            path.unlink(missing_ok=True)
        home.sweep(self._folder, known)
        if expired:
            try:
                self._ledger.scrub()
            except Unavailable as left:
                log.warning("answer_traces_left", error=type(left).__name__)

    def _path(self, number: str, owner: str) -> Path:
        return self._folder / f"{self._digest(f'{number} {owner}')}.box"


def _reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused("this Idempotency-Key came with another request before")


def _in_use(row: AnswerRow, now: dt.datetime) -> IdempotencyKeyInUse:
    left = math.ceil((row.lease_until - now).total_seconds())
    return IdempotencyKeyInUse(
        "the request with this Idempotency-Key is being answered", retry_after=max(1, min(left, _LONGEST_RETRY))
    )
