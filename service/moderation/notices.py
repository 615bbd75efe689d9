"""Takedown notices as they are sent, and what reporter and operator are told of them.

47 U.S.C. 223a(a)(1)(B) lists the parts of a notice: a signature, what identifies and locates the image, a statement of
the good-faith belief that it was published without consent, and contact details.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from service.kit.strict_schema import StrictModel
from service.storage import TakedownOutcome, TakedownStatus

Status = TakedownStatus
Decided = TakedownOutcome

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Notice(StrictModel):
    """A notice as it is sent. Unknown fields are refused; at least one field or an upload must identify the image."""

    signature: _Text = Field(max_length=200, description="Your name, typed: your electronic signature.")
    on_behalf: bool = Field(False, description="You are authorised by the person who is shown.")
    content_id: str | None = Field(None, pattern=r"^urn:uuid:[0-9a-f-]{36}$", description="The image's id here.")
    url: str | None = Field(None, min_length=4, max_length=2000, description="Where it was published.")
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$", description="SHA-256 of the file.")
    location: str = Field("", max_length=2000, description="Anything else that helps to find it.")
    statement: _Text = Field(max_length=4000, description="Why you believe it was published without consent.")
    good_faith: Literal[True] = Field(description="You believe in good faith that it is not consensual.")
    contact: _Text = Field(min_length=3, max_length=500, description="Email address, phone number or postal address.")

    def personal(self) -> dict[str, str]:
        """The fields that are sealed."""
        names = ("signature", "url", "location", "statement", "contact")
        return {**{name: getattr(self, name) or "" for name in names}, "on_behalf": str(self.on_behalf).lower()}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a notice: `name` of whoever showed a key, None for anybody else; their `address`, which may be empty."""

    name: str | None
    address: str = ""


OPERATOR = Sender("operator")


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """What anonymous notices can block before somebody has looked: how many images at once, how many in a day from one
    address, and for how long. Further notices are received and due like any other."""

    lasts: dt.timedelta = dt.timedelta(days=7)
    at_once: int = 100
    per_address: int = 5


class TakedownReceipt(BaseModel):
    """The answer to a notice. The PIN is shown only once."""

    case: str
    pin: str
    status: Status
    received_at: str
    due_at: str
    blocked: bool = Field(description="The image is blocked already.")
    quarantined_until: str | None = Field(None, description="When the block ends if nobody has decided by then.")


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
    """What the operator sees of a notice without opening it. Times are RFC 3339, UTC."""

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
    quarantined_until: str | None
