"""Appeals against refusals, verdicts and takedowns. An operator who overturns one makes a decision of its own.

Overturning a takedown reverses its block at once. Overturning a refusal or a verdict is recorded and releases nothing:
a refused image was not kept, unless it waits for `countermark review`. A wrong entry on a blocklist is withdrawn with
`countermark blocklist remove`.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import new_case_number
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, NotFound
from service.kit.strict_schema import StrictModel
from service.ledger.ledger import Ledger
from service.moderation.takedowns import Takedowns, check_operator
from service.storage import About, AppealOutcome, AppealRow, AppealState

Outcome = AppealOutcome

_VERDICT = re.compile(r"urn:uuid:[0-9a-f-]{36}|[0-9a-f]{64}")


class Appeal(StrictModel):
    """An appeal as it is sent. Unknown fields are refused."""

    about: About
    subject: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00]*$",  # PostgreSQL accepts no NUL
        description="The content id of a refusal, the content id or SHA-256 of a judged image, or a case number.",
    )
    statement: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=4000, description="Why the decision is wrong."
    )
    contact: str = Field("", max_length=500, description="How to reach you, if you wish.")


class AppealStatus(BaseModel):
    """What anyone who has the appeal's id learns."""

    id: str
    about: About
    status: AppealState
    filed_at: str
    resolved_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """What the operator sees of an appeal. `personal` is empty once it was forgotten. Times are RFC 3339, UTC."""

    id: str
    about: About
    subject: str
    filed_at: str
    status: AppealState
    resolved_at: str | None
    operator: str | None
    personal: dict[str, str]


class Appeals:
    """The appeals of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        takedowns: Takedowns,
        vault: Vault,
        digest: Callable[[str], str],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._takedowns = takedowns
        self._vault = vault
        self._digest = digest
        self._clock = clock

    def file(self, appeal: Appeal) -> AppealStatus:
        """Store an appeal.

        Raises:
            NotFound: no such refusal or case.
            BadRequest: a verdict's subject is neither content id nor SHA-256, or the case is under appeal already.
            Unavailable: it could not be stored.
        """
        self._check(appeal)
        number, now = new_case_number("A"), self._clock()
        sealed = self._vault.seal({"statement": appeal.statement, "contact": appeal.contact}, number)
        row = AppealRow(number, appeal.about, appeal.subject, now, "filed", sealed.wrapped_key, sealed.box)
        with self._ledger.decision("appeal", appeal.subject) as transaction:
            if appeal.about == "takedown":
                self._takedowns.put_under_appeal(transaction, appeal.subject)
            transaction.appeals.add(row)
            digest = hashlib.sha256(sealed.box).hexdigest()
            transaction.record(action="filed", about=appeal.about, appeal=number, sealed=digest)
        return AppealStatus(id=number, about=appeal.about, status="filed", filed_at=stamp(now))

    def status(self, number: str) -> AppealStatus:
        """The state of an appeal. Raises NotFound."""
        row = self._need(number)
        return AppealStatus(
            id=row.id,
            about=row.about,
            status=row.status,
            filed_at=stamp(row.filed_at),
            resolved_at=stamp(row.resolved_at) if row.resolved_at else None,
            reason=self._personal(row).get("reason"),
        )

    def list(self, *, all_: bool = False) -> Iterator[Filed]:
        """Open appeals, or all, oldest first, with their statements."""
        with self._ledger.read() as stored:
            rows = stored.appeals.by_filing_time(only_open=not all_)
        return (self._filed(row) for row in rows)

    def resolve(self, number: str, outcome: Outcome, operator: str, reason: str) -> None:
        """Uphold a decision, or overturn it: then the chain gets a decision `override`.

        Raises:
            NotFound: there is no such appeal.
            BadRequest: no operator, no reason, or it is resolved already.
        """
        check_operator(operator)
        if not reason.strip():
            raise BadRequest("a resolution needs a reason", hint="Give a reason; whoever appealed reads it.")
        row = self._need(number)
        box = self._with_reason(row, reason)
        with self._ledger.decision("override" if outcome == "overturned" else "appeal", row.subject) as transaction:
            if box is None or not transaction.appeals.resolve(number, outcome, operator, self._clock(), box):
                raise BadRequest("the appeal is resolved already", hint="A resolution is final.")
            if row.about == "takedown":
                self._takedowns.end_appeal(
                    transaction, row.subject, overturned=outcome == "overturned", operator=operator, reason=reason
                )
            transaction.record(
                about=row.about,
                appeal=number,
                outcome=outcome,
                operator=self._digest(operator),
                reason=self._digest(reason),
            )

    def _check(self, appeal: Appeal) -> None:
        if appeal.about == "refusal" and not any(d.kind == "refused" for d in self._ledger.decided(appeal.subject)):
            raise NotFound("there is no refusal with this id", hint="Use the content id that the refusal named.")
        if appeal.about == "verdict" and not _VERDICT.fullmatch(appeal.subject):
            raise BadRequest("the subject is neither a content id nor a SHA-256", hint="The report contains both.")

    def _need(self, number: str) -> AppealRow:
        with self._ledger.read() as stored:
            row = stored.appeals.get(number)
        if row is None:
            raise NotFound("there is no such appeal", hint="Check the appeal's id.")
        return row

    def _with_reason(self, row: AppealRow, reason: str) -> bytes | None:
        """The sealed text with a reason added; None once it was forgotten, which only happens to resolved appeals."""
        sealed = _sealed(row)
        if sealed is None:
            return None
        return self._vault.reseal(sealed, {**self._personal(row), "reason": reason}, row.id).box

    def _personal(self, row: AppealRow) -> dict[str, str]:
        sealed = _sealed(row)
        return {} if sealed is None else self._vault.open(sealed, row.id)

    def _filed(self, row: AppealRow) -> Filed:
        return Filed(
            id=row.id,
            about=row.about,
            subject=row.subject,
            filed_at=stamp(row.filed_at),
            status=row.status,
            resolved_at=stamp(row.resolved_at) if row.resolved_at else None,
            operator=row.operator,
            personal=self._personal(row),
        )


def _sealed(row: AppealRow) -> Sealed | None:
    """The personal data; None once it was forgotten with its case."""
    if row.wrapped_key is None or row.sealed is None:
        return None
    return Sealed(row.wrapped_key, row.sealed)
