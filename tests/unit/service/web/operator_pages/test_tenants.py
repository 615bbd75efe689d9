import html
import re

from service.installation import Installation
from tests.support.operators import Signed

SCOPES = {"scope_generate": "yes", "scope_jobs": "yes"}


def shown_key(page: str) -> str:
    found = re.search(r'readonly value="(cm_\w+)"', page)
    assert found is not None, html.unescape(page)
    return found[1]


def test_a_tenant_from_its_first_key_to_its_end(operator: Signed, installation: Installation) -> None:
    made = operator.send("/tenants/add", name="acme", label="web shop", images_per_day="5", **SCOPES)
    key = shown_key(made.text)
    client = installation.tenants.client(key)
    assert (client.name, client.scopes, client.limits.images_per_day) == ("acme", ("generate", "jobs"), 5)
    page = operator.open("/tenants")
    for told in ("acme", key[:11], "web shop", "Images a day"):
        assert told in page
    assert key not in page

    further = shown_key(operator.send("/tenants/add-key", name="acme", lifetime_days="9", scope_examine="yes").text)
    newer = shown_key(operator.send("/tenants/rotate-key", key=further[:11], hours="0").text)
    assert installation.tenants.client(newer).scopes == ("examine",)
    assert operator.send("/tenants/revoke-key", key=newer[:11]).status_code == 400  # not sure
    done = operator.send("/tenants/revoke-key", key=newer[:11], sure="yes")
    assert done.headers["location"] == "/operator/tenants?done=key_revoked"
    assert operator.send("/tenants/remove", name="acme").status_code == 400
    done = operator.send("/tenants/remove", name="acme", sure="yes")
    assert done.headers["location"] == "/operator/tenants?done=tenant_removed"
    states = [each.state for each in installation.api_keys.list("acme")]
    assert states == ["revoked"] * 3
    actions = [decision.content["action"] for decision in installation.ledger.decided("acme")]
    assert actions == ["added", "key_added", "key_rotated", "key_revoked", "removed"]


def test_what_makes_no_sense_is_told(operator: Signed, installation: Installation) -> None:
    before = installation.ledger.verify().decisions
    for path, fields in (
        ("/tenants/add", {"name": "a b", **SCOPES}),
        ("/tenants/add", {"name": "acme"}),  # no scope
        ("/tenants/add", {"name": "acme", "images_per_day": "many", **SCOPES}),
        ("/tenants/add", {"name": "ops", **SCOPES}),
        ("/tenants/rotate-key", {"key": "cm_nothing00", "hours": "-1"}),
        ("/tenants/rotate-key", {"key": "cm_nothing00", "hours": "999"}),
    ):
        assert operator.send(path, **fields).status_code == 400, fields
    for path in ("/tenants/add-key", "/tenants/rotate-key", "/tenants/revoke-key", "/tenants/remove"):
        sent = {"name": "nobody", "key": "cm_nothing00", "hours": "1", "sure": "yes", **SCOPES}
        assert operator.send(path, **sent).status_code == 404, path
    assert installation.ledger.verify().decisions == before
