"""Appeals: what can be appealed against, and what overturning does."""

import json
from typing import Literal

import pytest
from pydantic import ValidationError

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import BadRequest, NotFound, Refusal
from service.media.pictures import Picture
from service.moderation.appeals import Appeal, Appeals
from service.moderation.takedowns import Takedowns
from tests.support.clock import Clock
from tests.support.takedowns import RGB, START, appeals_of, notice, picture, takedowns_of

ORDER = Order(prompt="a lake at dawn", seed=7)


def unmarked(copy: Picture) -> None:
    """No copy here has a mark, and looking for one takes a second."""


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def takedowns(installation: Installation, clock: Clock) -> Takedowns:
    return takedowns_of(installation, clock, read_mark=unmarked)


@pytest.fixture
def appeals(installation: Installation, takedowns: Takedowns, clock: Clock) -> Appeals:
    return appeals_of(installation, takedowns, clock)


def test_appeals_are_forgotten_with_their_case(takedowns: Takedowns, appeals: Appeals) -> None:
    receipt = takedowns.receive(notice(), picture(RGB))
    takedowns.resolve(receipt.case, "removed", "op", "Done.")
    filed = appeals.file(Appeal(about="takedown", subject=receipt.case, statement="I am Jane Roe."))
    appeals.resolve(filed.id, "upheld", "op", "Jane Roe was right.")
    takedowns.forget(receipt.case)
    assert [one.personal for one in appeals.list(all_=True)] == [{}]
    assert appeals.status(filed.id).reason is None


def test_nothing_done_is_nothing_to_appeal_against(installation: Installation, clock: Clock) -> None:
    takedowns = takedowns_of(installation, clock, at_once=False, read_mark=unmarked)
    receipt = takedowns.receive(notice(), picture(RGB))
    with pytest.raises(BadRequest, match="nothing is decided"):
        file(appeals_of(installation, takedowns, clock), "takedown", receipt.case)
    assert takedowns.status(receipt.case, receipt.pin).status == "received"


def file(appeals: Appeals, about: str, subject: str) -> str:
    return appeals.file(Appeal(about=about, subject=subject, statement="It is mine.")).id  # type: ignore[arg-type]


def test_an_overturned_refusal_is_a_decision_of_its_own(
    appeals: Appeals, installation: Installation, takedowns: Takedowns, gateway: Gateway
) -> None:
    takedowns.receive(notice(content_id=gateway.release(ORDER).admitted.content_id))
    with pytest.raises(Refusal) as caught:
        gateway.release(ORDER)
    subject = str(caught.value.content_id)
    number = file(appeals, "refusal", subject)
    assert appeals.status(number).status == "filed"
    (filed,) = appeals.list()
    assert filed.personal["statement"] == "It is mine."
    appeals.resolve(number, "overturned", "op", "It was a lake.")
    status = appeals.status(number)
    assert (status.status, status.reason) == ("overturned", "It was a lake.")
    decisions = installation.ledger.decided(subject)
    assert [d.kind for d in decisions] == ["refused", "appeal", "override"]
    assert json.loads(decisions[2].body)["outcome"] == "overturned"
    assert list(appeals.list()) == []
    assert len(list(appeals.list(all_=True))) == 1
    assert installation.ledger.verify().problems == ()


def test_only_a_refusal_can_be_appealed_against_as_one(appeals: Appeals, gateway: Gateway) -> None:
    released = gateway.release(ORDER)
    for subject in ("urn:uuid:none", released.admitted.content_id):
        with pytest.raises(NotFound):
            file(appeals, "refusal", subject)


def test_a_verdict_is_named_by_content_id_or_sha256(appeals: Appeals, installation: Installation) -> None:
    number = file(appeals, "verdict", "a" * 64)
    appeals.resolve(number, "upheld", "op", "It stands.")
    assert [d.kind for d in installation.ledger.decided("a" * 64)] == ["appeal", "appeal"]
    with pytest.raises(BadRequest):
        file(appeals, "verdict", "my holiday picture")


@pytest.mark.parametrize(
    ("decided", "outcome", "status", "blocked"),
    [
        (None, "upheld", "received", True),
        (None, "overturned", "rejected", False),
        ("removed", "upheld", "removed", True),
        ("removed", "overturned", "rejected", False),
        ("rejected", "upheld", "rejected", False),
        ("rejected", "overturned", "removed", True),
    ],
)
def test_a_takedown_ends_as_the_appeal_decides(
    appeals: Appeals,
    takedowns: Takedowns,
    installation: Installation,
    decided: Literal["removed", "rejected"] | None,
    outcome: Literal["upheld", "overturned"],
    status: str,
    blocked: bool,
) -> None:
    receipt = takedowns.receive(notice(), picture(RGB))
    if decided:
        takedowns.resolve(receipt.case, decided, "op", "Because.")
    number = file(appeals, "takedown", receipt.case)
    assert takedowns.status(receipt.case, receipt.pin).status == "appealed"
    with pytest.raises(BadRequest, match="appeal"):
        takedowns.resolve(receipt.case, "removed", "op")
    with pytest.raises(BadRequest, match="already"):
        file(appeals, "takedown", receipt.case)
    appeals.resolve(number, outcome, "op", "Looked again.")
    assert takedowns.status(receipt.case, receipt.pin).status == status
    assert (installation.blocklist.match(RGB) is not None) == blocked


def test_a_resolution_needs_an_operator_a_reason_and_an_open_appeal(appeals: Appeals) -> None:
    number = file(appeals, "verdict", "a" * 64)
    for operator, reason in (("", "x"), ("op", " ")):
        with pytest.raises(BadRequest):
            appeals.resolve(number, "upheld", operator, reason)
    appeals.resolve(number, "upheld", "op", "x")
    with pytest.raises(BadRequest, match="already"):
        appeals.resolve(number, "overturned", "op", "x")
    with pytest.raises(NotFound):
        appeals.resolve("A-NONE", "upheld", "op", "x")
    with pytest.raises(NotFound):
        file(appeals, "takedown", "T-NONE")


def test_an_appeal_that_nobody_filed_has_no_status(appeals: Appeals) -> None:
    with pytest.raises(NotFound, match="no such appeal"):
        appeals.status("A-0000-0000-0000-0000")


def test_statement_and_contact_are_sealed(appeals: Appeals, installation: Installation) -> None:
    appeals.file(Appeal(about="verdict", subject="a" * 64, statement="I took it myself.", contact="jane@example.org"))
    (decision,) = installation.ledger.decided("a" * 64)
    (filed,) = appeals.list()
    assert filed.personal == {"statement": "I took it myself.", "contact": "jane@example.org"}
    assert "I took it" not in decision.body
    assert "jane" not in decision.body


@pytest.mark.parametrize(
    "fields",
    [{"statement": " "}, {"subject": ""}, {"subject": "a\0"}, {"about": "taste"}, {"pin": "1"}],
)
def test_an_incomplete_appeal_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Appeal.model_validate({"about": "verdict", "subject": "a" * 64, "statement": "It is mine.", **fields})
