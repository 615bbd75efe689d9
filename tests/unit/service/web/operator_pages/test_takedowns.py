import datetime as dt
import html

import pytest

from service.installation import Installation
from service.kit.clock import utc_now
from tests.support.clock import Clock
from tests.support.operators import REPORTER, STATEMENT, Signed, notice
from tests.support.takedowns import takedowns_of


def test_a_notice_is_read_by_whoever_opens_it(operator: Signed, installation: Installation) -> None:
    case = notice(installation)
    listed = operator.open("/takedowns")
    assert case in listed
    assert "due in 47 h" in listed
    assert REPORTER not in listed
    shown = operator.send("/takedowns/read", case=case)
    assert REPORTER in shown.text
    assert html.escape(STATEMENT) in shown.text
    assert STATEMENT not in shown.text  # what strangers write is no markup


def test_one_that_is_overdue_is_told(operator: Signed, installation: Installation) -> None:
    clock = Clock(utc_now() - dt.timedelta(hours=53, minutes=30))
    installation.takedowns = takedowns_of(installation, clock)
    notice(installation)
    clock.now = utc_now()
    assert "overdue by 5 h" in operator.open("/takedowns")
    assert "1 overdue" in operator.open()


@pytest.mark.parametrize("decision", ["removed", "rejected"])
def test_a_decision_is_the_operators(operator: Signed, installation: Installation, decision: str) -> None:
    case = notice(installation)
    done = operator.send("/takedowns/decide", case=case, decision=decision, reason="it is a drawing")
    assert (done.status_code, done.headers["location"]) == (303, f"/operator/takedowns?done=takedown_{decision}")
    decided, _ = installation.takedowns.show(case)
    assert decided.decided == decision
    assert decided.operator is not None
    assert decided.operator.startswith("ops cm_")
    assert [each.kind for each in installation.ledger.decided(case)] == ["takedown", "takedown"]
    assert case not in operator.open("/takedowns")
    shown = operator.send("/takedowns/read", case=case)
    assert 'name="decision"' not in shown.text
    assert operator.send("/takedowns/decide", case=case, decision=decision, reason="again").status_code == 400


def test_a_rejection_needs_a_reason_and_a_case_has_to_be_there(operator: Signed, installation: Installation) -> None:
    case = notice(installation)
    for fields in ({"decision": "rejected"}, {"decision": "maybe", "reason": "x"}):
        assert operator.send("/takedowns/decide", case=case, **fields).status_code == 400
    for path in ("/takedowns/read", "/takedowns/decide"):
        assert operator.send(path, case="T-0", decision="removed").status_code == 404


def test_a_forgotten_notice_says_so(operator: Signed, installation: Installation) -> None:
    case = notice(installation)
    installation.takedowns.resolve(case, "removed", "Olga", "")
    installation.takedowns.forget(case)
    shown = operator.send("/takedowns/read", case=case)
    assert "The personal data was erased" in shown.text
    assert REPORTER not in shown.text
