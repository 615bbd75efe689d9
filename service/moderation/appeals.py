"""Appeals against refusals, verdicts and notices of removal; what an operator overturns is a decision of its own.

Overturning a takedown turns its block round at once. Overturning a refusal or a verdict is recorded and releases
nothing: a refused picture was not kept, or is one that `countermark held` decides about. A list that was wrong is
corrected with `countermark blocklist remove`.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Connection, Row, select, update

from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import fresh_reference
from service.kit.clock import utc_now
from service.kit.errors import BadRequest, NotFound
from service.kit.strict_schema import StrictModel
from service.ledger.ledger import Ledger
from service.moderation.takedowns import Takedowns, check_operator
from service.storage import appeals as table
from service.storage import reading

About = Literal["refusal", "verdict", "takedown"]
AppealState = Literal["filed", "upheld", "overturned"]
Outcome = Literal["upheld", "overturned"]

_VERDICT = re.compile(r"urn:uuid:[0-9a-f-]{36}|[0-9a-f]{64}")


class Appeal(StrictModel):
    """An appeal as it is sent. Unknown fields are refused."""

    about: About
    subject: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00]*$",  # PostgreSQL takes no NUL
        description="The content id of a refusal, the content id or SHA-256 of a judged picture, or a case number.",
    )
    statement: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=4000, description="Why the decision is wrong."
    )
    contact: str = Field("", max_length=500, description="How to reach you, if you wish.")


class AppealStatus(BaseModel):
    """What whoever has the appeal's id learns."""

    id: str
    about: About
    status: AppealState
    filed_at: str
    resolved_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """What the operator sees of an appeal; `personal` is empty where it was not asked for."""

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
        """Take an appeal in.

        Raises:
            NotFound: no such refusal or case.
            BadRequest: a verdict's subject is neither content id nor SHA-256, or the case is under appeal already.
            Unavailable: it could not be stored.
        """
        self._check(appeal)
        number, now = fresh_reference("A"), self._clock().isoformat(timespec="seconds")
        sealed = self._vault.seal({"statement": appeal.statement, "contact": appeal.contact}, number)
        row = {
            "id": number, "about": appeal.about, "subject": appeal.subject, "filed_at": now, "status": "filed",
            "wrapped_key": sealed.wrapped_key, "sealed": sealed.box,
        }  # fmt: skip
        content = {"action": "filed", "about": appeal.about, "appeal": number}
        content["sealed"] = hashlib.sha256(sealed.box).hexdigest()

        def write(connection: Connection) -> None:
            if appeal.about == "takedown":
                self._takedowns.under_appeal(connection, appeal.subject)
            connection.execute(table.insert().values(**row))

        self._ledger.record("appeal", appeal.subject, content, write)
        return AppealStatus(id=number, about=appeal.about, status="filed", filed_at=now)

    def status(self, number: str) -> AppealStatus:
        """How an appeal stands. Raises NotFound."""
        row = self._need(number)
        told = {name: row._mapping[name] for name in ("id", "about", "status", "filed_at", "resolved_at")}
        return AppealStatus(**told, reason=self._open(row).get("reason"))

    def list(self, *, all_: bool = False) -> Iterator[Filed]:
        """Open appeals, or all, oldest first, with their statements."""
        query = select(table).order_by(table.c.filed_at)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(query if all_ else query.where(table.c.status == "filed")).all()
        told = [name for name in Filed.__slots__ if name != "personal"]
        return (Filed(**{name: row._mapping[name] for name in told}, personal=self._open(row)) for row in rows)

    def resolve(self, number: str, outcome: Outcome, operator: str, reason: str) -> None:
        """Uphold what was decided, or overturn it: then the chain gets a decision `override`.

        Raises:
            NotFound: there is no such appeal.
            BadRequest: no operator, no reason, or it is resolved already.
        """
        check_operator(operator)
        if not reason.strip():
            raise BadRequest("a resolution says why", hint="Give a reason; whoever appealed reads it.")
        row = self._need(number)
        sealed = Sealed(row.wrapped_key, row.sealed)
        box = self._vault.reseal(sealed, {**self._open(row), "reason": reason}, number).box
        now = self._clock().isoformat(timespec="seconds")
        values = {"status": outcome, "resolved_at": now, "operator": operator, "sealed": box}
        content = {"about": row.about, "appeal": number, "outcome": outcome, "operator": self._digest(operator)}
        content["reason"] = self._digest(reason)

        def write(connection: Connection) -> None:
            which = (table.c.id == number, table.c.status == "filed")
            if not connection.execute(update(table).where(*which).values(**values)).rowcount:
                raise BadRequest("the appeal is resolved already", hint="A resolution is final.")
            if row.about == "takedown":
                self._takedowns.after_appeal(
                    connection, row.subject, overturned=outcome == "overturned", operator=operator, reason=reason
                )

        self._ledger.record("override" if outcome == "overturned" else "appeal", row.subject, content, write)

    def _check(self, appeal: Appeal) -> None:
        if appeal.about == "refusal" and not any(d.kind == "refused" for d in self._ledger.decided(appeal.subject)):
            raise NotFound("there is no refusal of that id", hint="Use the content id that the refusal named.")
        if appeal.about == "verdict" and not _VERDICT.fullmatch(appeal.subject):
            raise BadRequest("the subject is neither a content id nor a SHA-256", hint="Both are in the report.")

    def _need(self, number: str) -> Row[Any]:
        with reading(self._ledger.engine) as connection:
            row = connection.execute(select(table).where(table.c.id == number)).first()
        if row is None:
            raise NotFound("there is no such appeal", hint="Check the appeal's id.")
        return row

    def _open(self, row: Row[Any]) -> dict[str, str]:
        """Empty once it was forgotten with its case."""
        if row.wrapped_key is None:
            return {}
        return self._vault.open(Sealed(row.wrapped_key, row.sealed), row.id)
