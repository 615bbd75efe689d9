import pytest

from service.installation import Installation
from tests.support.operators import STATEMENT, Signed, appeal


@pytest.mark.parametrize("decision", ["upheld", "overturned"])
def test_an_appeal_is_read_and_decided(operator: Signed, installation: Installation, decision: str) -> None:
    number = appeal(installation)
    listed = operator.open("/appeals")
    assert number in listed
    assert STATEMENT in listed
    assert operator.send("/appeals/decide", appeal=number, decision=decision).status_code == 400  # no reason
    done = operator.send("/appeals/decide", appeal=number, decision=decision, reason="we looked again")
    assert (done.status_code, done.headers["location"]) == (303, f"/operator/appeals?done=appeal_{decision}")
    (filed,) = installation.appeals.list(all_=True)
    assert (filed.status, (filed.operator or "")[:7]) == (decision, "ops cm_")
    assert number not in operator.open("/appeals")


def test_what_is_no_decision_or_no_appeal(operator: Signed, installation: Installation) -> None:
    number = appeal(installation)
    assert operator.send("/appeals/decide", appeal=number, decision="maybe", reason="x").status_code == 400
    assert operator.send("/appeals/decide", appeal="A-0", decision="upheld", reason="x").status_code == 404
