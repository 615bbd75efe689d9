import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from service.access.tenants import Terms
from service.installation import Installation
from service.jobs.webhooks import NewWebhook, Webhooks
from service.keys import signing
from service.kit.errors import BadRequest, NotFound
from tests.support.clock import Clock

URL = "https://hooks.example.com/countermark"


@pytest.fixture
def webhooks(installation: Installation) -> Webhooks:
    def check(url: str) -> str:
        if url != URL:
            raise BadRequest("no")
        return "hooks.example.com"

    return Webhooks(installation.ledger, signing.vault(installation.settings), check, Clock())


def test_each_tenant_has_one_and_its_secret_is_nowhere_in_clear(webhooks: Webhooks, installation: Installation) -> None:
    installation.tenants.add(Terms(name="acme"))
    made = [webhooks.set(URL, tenant) for tenant in ("acme", "", "acme")]
    assert [(each.tenant, each.url) for each in webhooks.all()] == [("", URL), ("acme", URL)]
    with installation.ledger.read() as stored:
        row = stored.webhooks.of("acme")
        assert row is not None
        assert webhooks.secret(row) == made[2].secret != made[0].secret
        decisions = [each.content for each in stored.decisions.of_kinds(("webhook",))]
    assert decisions[0] == {"action": "set", "host": "hooks.example.com"}
    assert Verifier(made[2].secret)
    assert made[2].secret not in repr(made[2])
    for path in installation.settings.home.rglob("*"):
        assert not path.is_file() or made[2].secret[6:].encode() not in path.read_bytes()
    webhooks.remove("acme")
    assert [each.tenant for each in webhooks.all()] == [""]
    with pytest.raises(NotFound):
        webhooks.remove("acme")


def test_what_cannot_have_one(webhooks: Webhooks, installation: Installation) -> None:
    with pytest.raises(BadRequest):
        webhooks.set("http://elsewhere.example")
    installation.tenants.add(Terms(name="gone"))
    installation.tenants.remove("gone")
    for tenant in ("gone", "nobody"):
        with pytest.raises(NotFound):
            webhooks.set(URL, tenant)
    assert webhooks.all() == []
    assert NewWebhook("", URL, "whsec_x") != NewWebhook("", URL, "whsec_y")
