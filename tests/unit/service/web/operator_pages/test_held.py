import json

import pytest

from service.installation import Installation
from tests.support.operators import SUBJECT, Signed, held_image, keeping


@pytest.fixture
def waiting(installation: Installation, operator: Signed) -> str:
    """The content id of an image that waits."""
    keeping(installation)
    return held_image(installation)


def test_an_image_is_shown_only_to_whoever_asks_for_it(
    operator: Signed, waiting: str, installation: Installation
) -> None:
    listed = operator.open("/held")
    assert waiting in listed
    assert SUBJECT in listed
    assert "data:image" not in listed
    shown = operator.send("/held/look", content_id=waiting)
    assert (shown.status_code, "data:image/png;base64," in shown.text) == (200, True)
    assert json.loads(installation.ledger.decided(waiting)[-1].body)["action"] == "looked at"


@pytest.mark.parametrize(
    ("decision", "status", "kind"), [("release", "released", "override"), ("refuse", "refused", "held")]
)
def test_a_decision_is_the_operators_with_a_reason(
    operator: Signed, waiting: str, installation: Installation, decision: str, status: str, kind: str
) -> None:
    unsaid = operator.send("/held/decide", content_id=waiting, decision=decision)
    assert unsaid.status_code == 400
    done = operator.send("/held/decide", content_id=waiting, decision=decision, reason="somebody else")
    assert (done.status_code, done.headers["location"]) == (303, f"/operator/held?done=held_{decision}")
    assert installation.ledger.decided(waiting)[-1].kind == kind
    (picture,) = installation.review_queue.queue(all_=True)
    assert picture.status == status
    assert picture.operator is not None
    assert picture.operator.startswith("ops cm_")
    again = operator.send("/held/decide", content_id=waiting, decision=decision, reason="somebody else")
    assert again.status_code in (400, 410)


def test_what_is_no_decision_or_no_image(operator: Signed, waiting: str) -> None:
    assert operator.send("/held/decide", content_id=waiting, decision="keep", reason="x").status_code == 400
    assert operator.send("/held/look", content_id="urn:uuid:none").status_code == 404
    assert "Nothing is waiting" not in operator.open("/held")
