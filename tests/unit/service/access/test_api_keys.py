import datetime as dt
import json

import pytest
from pydantic import ValidationError

from service.access.api_keys import ApiKey, ApiKeys, Keyed, KeyTerms
from service.access.tenants import Tenants, Terms
from service.installation import Installation
from service.kit.errors import BadRequest, KeyExpired, KeyRevoked, NotFound
from tests.support.clock import Clock

DAY = dt.timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenants(installation: Installation, clock: Clock) -> Tenants:
    made = Tenants(installation.ledger, "default", clock)
    clock.wait(-1)
    made.add(Terms(name="acme", max_images=2))
    clock.wait(1)
    return made


@pytest.fixture
def keys(installation: Installation, tenants: Tenants, clock: Clock) -> ApiKeys:
    return ApiKeys(installation.ledger, clock)


def found(keys: ApiKeys, id_: str) -> ApiKey:
    return next(key for key in keys.list("acme") if key.id == id_)


def test_a_tenant_has_several_keys_for_different_things(keys: ApiKeys, tenants: Tenants) -> None:
    terms = KeyTerms(label="a phone", scopes=("takedowns", "examine"), lifetime_days=2, images_per_day=5)
    made = keys.add("acme", terms)
    client = tenants.client(made.key)
    assert (client.name, client.key, client.max_images) == ("acme", made.id, 2)
    assert (client.scopes, client.limits.images_per_day) == (("examine", "takedowns"), 5)
    first, second = keys.list("acme")
    assert (first.label, first.expires_at, first.state) == ("", None, "active")
    assert (second.id, second.label, second.expires_at) == (made.id, "a phone", "2026-05-03T12:00:00+00:00")
    assert [key.id for key in keys.list()] == [first.id, second.id]


def test_a_key_ends_at_its_time(keys: ApiKeys, tenants: Tenants, clock: Clock) -> None:
    key = keys.add("acme", KeyTerms(lifetime_days=1)).key
    clock.wait(23.99)
    assert tenants.client(key)
    clock.wait(0.01)
    with pytest.raises(KeyExpired, match="2026-05-02T12:00:00"):
        tenants.client(key)
    assert found(keys, key[:11]).state == "expired"


def test_a_replaced_key_works_beside_the_new_one_for_a_while(keys: ApiKeys, tenants: Tenants, clock: Clock) -> None:
    old = keys.add("acme", KeyTerms(label="a phone", scopes=("examine",), lifetime_days=90, requests_per_minute=7))
    clock.wait(24)
    new = keys.rotate(old.id, DAY)
    before, after = tenants.client(old.key), tenants.client(new.key)
    assert (after.scopes, after.limits, after.lineage) == (before.scopes, before.limits, old.id)
    _, replaced, fresh = keys.list("acme")
    assert (replaced.replaced_by, replaced.expires_at) == (new.id, "2026-05-03T12:00:00+00:00")
    assert (fresh.label, fresh.expires_at) == ("a phone", "2026-07-31T12:00:00+00:00")  # again 90 days
    clock.wait(24)
    with pytest.raises(KeyExpired):
        tenants.client(old.key)
    assert tenants.client(new.key)


def test_an_overlap_never_prolongs_a_key(keys: ApiKeys) -> None:
    made = keys.add("acme", KeyTerms(lifetime_days=1))
    keys.rotate(made.id, 5 * DAY)
    assert found(keys, made.id).expires_at == "2026-05-02T12:00:00+00:00"


def test_without_an_overlap_the_old_key_ends_now(keys: ApiKeys, tenants: Tenants) -> None:
    made = keys.add("acme", KeyTerms())
    new = keys.rotate(made.id, dt.timedelta())
    with pytest.raises(KeyRevoked):
        tenants.client(made.key)
    assert tenants.client(new.key)


def test_a_key_is_replaced_once(keys: ApiKeys, clock: Clock) -> None:
    made = keys.add("acme", KeyTerms(lifetime_days=3))
    new = keys.rotate(made.id, DAY)
    with pytest.raises(BadRequest, match=f"replaced by {new.id}"):
        keys.rotate(made.id, DAY)
    keys.revoke(new.id)
    for ended in (new.id, "cm_nothing00", made.key, "", "cm_\0"):
        with pytest.raises(NotFound) as refused:
            keys.rotate(ended, DAY)
        assert made.key[11:] not in refused.value.message
    clock.wait(24)
    with pytest.raises(NotFound):
        keys.rotate(made.id, DAY)


@pytest.mark.parametrize("overlap", [dt.timedelta(days=31), dt.timedelta(seconds=-1)])
def test_an_overlap_has_an_end(keys: ApiKeys, overlap: dt.timedelta) -> None:
    with pytest.raises(BadRequest, match="30 days"):
        keys.rotate(keys.list()[0].id, overlap)


def test_a_revoked_key_is_told_so_and_the_others_go_on(keys: ApiKeys, tenants: Tenants) -> None:
    made, other = keys.add("acme", KeyTerms()), keys.add("acme", KeyTerms())
    keys.revoke(made.id)
    with pytest.raises(KeyRevoked):
        tenants.client(made.key)
    assert tenants.client(other.key)
    for gone in (made.id, "cm_nothing00"):
        with pytest.raises(NotFound):
            keys.revoke(gone)


def test_only_tenants_that_are_here_get_keys(keys: ApiKeys, tenants: Tenants) -> None:
    tenants.remove("acme")
    for name in ("acme", "nobody"):
        with pytest.raises(NotFound):
            keys.add(name, KeyTerms())
    assert [key.state for key in keys.list("acme")] == ["revoked"]
    with pytest.raises(NotFound):
        keys.list("nobody")


def test_every_change_is_a_decision_without_key_and_label(keys: ApiKeys, installation: Installation) -> None:
    made = keys.add("acme", KeyTerms(label="Ann's phone", scopes=("examine",), lifetime_days=1, images_per_day=5))
    new = keys.rotate(made.id, DAY)
    keys.revoke(new.id)
    _, *told = (json.loads(decision.body) for decision in installation.ledger.decided("acme"))
    terms = {"scopes": ["examine"], "expires_at": "2026-05-02T12:00:00+00:00", "key_limits": {"images_per_day": 5}}
    assert told == [
        {"action": "key_added", "key": made.id, **terms},
        {"action": "key_rotated", "key": new.id, "replaced": made.id, **terms},
        {"action": "key_revoked", "key": new.id},
    ]


@pytest.mark.parametrize(
    "terms",
    [
        {"scopes": ()},
        {"scopes": ("everything",)},
        {"label": "x" * 101},
        {"label": "a\nb"},
        {"lifetime_days": 0},
        {"lifetime_days": 3651},
        {"requests_per_minute": 0},
        {"images_per_day": 0},
        {"key": "mine"},
    ],
)
def test_what_is_no_key(terms: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KeyTerms.model_validate(terms)


def test_a_key_does_not_show_itself() -> None:
    assert "secret" not in repr(Keyed("acme", "cm_12345678secret"))
