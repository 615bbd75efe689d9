import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.access.api_keys import ApiKeys, KeyTerms
from service.access.client import OPERATOR, Client
from service.access.key_text import digest, fresh_key
from service.access.scopes import TENANT_SCOPES
from service.access.tenants import Tenants, Terms, check_active
from service.installation import Installation
from service.kit.clock import utc_now
from service.kit.errors import (
    BadRequest,
    ClientRemoved,
    KeyExpired,
    KeyRevoked,
    NotFound,
    Unauthorized,
    Unavailable,
)
from service.storage import ApiKeyRow
from tests.support.clock import NOON, Clock
from tests.support.database import engine_of

ACME = Terms(name="acme")


@pytest.fixture
def tenants(installation: Installation) -> Tenants:
    return Tenants(installation.ledger, "default", Clock())


def check(installation: Installation, client: Client) -> None:
    with installation.ledger.read() as stored:
        check_active(stored, client)


def test_a_key_tells_who_asks_and_how_strictly(tenants: Tenants) -> None:
    terms = Terms(name="acme", safety_threshold=0.2, likeness_review_distance=0.6, max_images=2)
    made = tenants.add(terms)
    client = tenants.client(made.key)
    assert client == Client("acme", made.key[:11], 0.2, 0.6, 2, lineage=made.id)
    bare = tenants.client(tenants.add(Terms(name="bare")).key)
    assert bare == Client("bare", client_key(tenants, "bare"), lineage=client_key(tenants, "bare"))


def client_key(tenants: Tenants, name: str) -> str:
    return next(tenant.prefix for tenant in tenants.everybody() if tenant.name == name)


def test_keys_are_long_and_each_is_another(tenants: Tenants) -> None:
    keys = [tenants.add(Terms(name=f"t{n}")).key for n in range(5)]
    assert len(set(keys)) == 5
    assert all(key.startswith("cm_") and len(key) == 52 for key in keys)


def test_the_key_is_nowhere_in_the_home_folder_nor_in_words(tenants: Tenants, installation: Installation) -> None:
    made = tenants.add(ACME)
    secret = made.key[11:]
    assert secret not in repr(made) + str(made) + repr(tenants.everybody()) + repr(tenants.client(made.key))
    for file in Path(installation.settings.home).rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_a_wrong_key_is_nobodys(tenants: Tenants) -> None:
    key = tenants.add(ACME).key
    other = "A" if key[-1] != "A" else "B"
    for wrong in (key[:-1] + other, key[:-1], key + "x", key[:11], key.upper(), "", "cm_", "default", "acme"):
        with pytest.raises(Unauthorized) as refused:
            tenants.client(wrong)
        assert key[11:-1] not in refused.value.message


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
@example("cm_\0")
def test_no_text_is_a_key(tenants: Tenants, text: str) -> None:
    with pytest.raises(Unauthorized):
        tenants.client(text)


def test_a_new_key_ends_the_old_one(tenants: Tenants, installation: Installation) -> None:
    old = tenants.add(ACME).key
    asked = tenants.client(old)
    check(installation, asked)
    new = tenants.rotate("acme").key
    with pytest.raises(Unauthorized):
        tenants.client(old)
    with pytest.raises(ClientRemoved):
        check(installation, asked)
    assert tenants.client(new).name == "acme"
    check(installation, tenants.client(new))


def test_a_removed_tenant_is_nobody_and_the_door_stays_shut(tenants: Tenants, installation: Installation) -> None:
    assert not tenants.keys_needed()
    key = tenants.add(ACME).key
    asked = tenants.client(key)
    tenants.remove("acme")
    with pytest.raises(Unauthorized):
        tenants.client(key)
    with pytest.raises(ClientRemoved):
        check(installation, asked)
    assert tenants.keys_needed()
    for change in (tenants.remove, tenants.rotate):
        with pytest.raises(NotFound):
            change("acme")


def test_a_name_is_given_once(tenants: Tenants) -> None:
    tenants.add(ACME)
    with pytest.raises(BadRequest, match="taken"):
        tenants.add(ACME)
    tenants.remove("acme")
    with pytest.raises(BadRequest, match="taken"):
        tenants.add(ACME)
    with pytest.raises(BadRequest, match="own name"):
        tenants.add(Terms(name="default"))


def test_who_never_was_is_not_found(tenants: Tenants) -> None:
    for change in (tenants.remove, tenants.rotate):
        with pytest.raises(NotFound):
            change("nobody")


def test_the_operator_is_always_here_and_a_stranger_never(installation: Installation) -> None:
    check(installation, OPERATOR)
    with pytest.raises(ClientRemoved):
        check(installation, Client("stranger"))


def test_every_change_is_a_decision_without_the_key(tenants: Tenants, installation: Installation) -> None:
    first = tenants.add(Terms(name="acme", max_images=3)).key
    second = tenants.rotate("acme").key
    tenants.remove("acme")
    told = [json.loads(decision.body) for decision in installation.ledger.decided("acme")]
    assert [content["action"] for content in told] == ["added", "rotated", "removed"]
    assert [content.get("key") for content in told] == [first[:11], second[:11], None]
    assert told[0]["limits"] == {"max_images": 3}
    assert first[11:] not in json.dumps(told)
    assert second[11:] not in json.dumps(told)
    assert installation.ledger.verify().problems == ()


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "x" * 65, "acme\n", "\u0430cme"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        Terms(name=name)


@pytest.mark.parametrize(
    "limits",
    [
        {"safety_threshold": 0.0},
        {"safety_threshold": 1.1},
        {"safety_threshold": float("nan")},
        {"likeness_review_distance": -0.1},
        {"likeness_review_distance": float("nan")},
        {"max_images": 0},
        {"max_images": 11},
        {"key": "mine"},
    ],
)
def test_what_is_no_limit(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Terms(name="acme", **limits)


def test_without_a_database_nobody_gets_in(tenants: Tenants, installation: Installation) -> None:
    key = tenants.add(ACME).key
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tenants RENAME TO lost")
    with pytest.raises(Unavailable):
        tenants.client(key)
    with pytest.raises(Unavailable):
        tenants.keys_needed()


def test_who_ordered_is_known_later_by_the_limits_of_then_and_only_with_the_same_key(tenants: Tenants) -> None:
    assert tenants.client_again("", "") == OPERATOR
    client = tenants.client(tenants.add(Terms(name="acme", max_images=2)).key)
    assert tenants.client_again(client.name, client.key) == client
    tenants.rotate("acme")
    for name, key in ((client.name, client.key), ("nobody", "cm_12345678")):
        with pytest.raises(ClientRemoved):
            tenants.client_again(name, key)


def test_a_key_that_ended_is_told_to_whoever_has_all_of_it(tenants: Tenants, installation: Installation) -> None:
    clock = Clock()
    tenants = Tenants(installation.ledger, "default", clock)
    short = tenants.add(ACME, KeyTerms(lifetime_days=1)).key
    gone = tenants.add(Terms(name="gone")).key
    tenants.remove("gone")
    clock.wait(24)
    for key, error in ((short, KeyExpired), (gone, KeyRevoked)):
        with pytest.raises(error):
            tenants.client(key)
        forged = key[:11] + fresh_key()[11:]  # the right beginning tells nothing
        with pytest.raises(Unauthorized) as refused:
            tenants.client(forged)
        assert type(refused.value) is Unauthorized


def test_a_mistyped_key_is_told_without_asking_the_database(
    tenants: Tenants, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tenants.add(ACME).key
    with monkeypatch.context() as patch:
        patch.setattr(installation.ledger, "read", None)
        with pytest.raises(Unauthorized, match="mistyped"):
            tenants.client(key[:20] + ("A" if key[20] != "A" else "B") + key[21:])


def test_a_key_of_version_0_1_works_on_with_every_scope_of_a_tenant(
    tenants: Tenants, installation: Installation
) -> None:
    tenants.add(ACME)
    old = f"cm_{'-_Az09' * 7}x"
    row = ApiKeyRow(old[:11], "acme", digest(old), old[:11], "", TENANT_SCOPES, NOON)
    with installation.ledger.write() as stored:
        stored.api_keys.add(row)
    assert tenants.client(old).scopes == ("generate", "examine", "consent", "takedowns", "jobs")


def test_the_use_of_a_key_is_noted_once_a_minute(installation: Installation) -> None:
    clock = Clock()
    tenants, keys = Tenants(installation.ledger, "default", clock), ApiKeys(installation.ledger, clock)
    key = tenants.add(ACME).key
    seen = []
    for _ in range(4):
        tenants.client(key)
        seen.append(keys.list()[0].last_used_at)
        clock.wait(1 / 120)
    assert seen == ["2026-05-01T12:00:00+00:00"] * 2 + ["2026-05-01T12:01:00+00:00"] * 2


def test_which_of_several_keys_is_to_be_rotated_must_be_said(tenants: Tenants, installation: Installation) -> None:
    tenants.add(ACME)
    keys = ApiKeys(installation.ledger, Clock())
    second = keys.add("acme", KeyTerms())
    assert tenants.everybody()[0].keys == 2
    with pytest.raises(BadRequest, match="2 keys"):
        tenants.rotate("acme")
    keys.revoke(second.id)
    tenants.rotate("acme")
    for each in keys.list("acme"):
        if each.state == "active":
            keys.revoke(each.id)
    assert tenants.client(tenants.rotate("acme").key).name == "acme"  # none worked any more


def test_an_image_of_a_key_that_ended_is_not_issued(installation: Installation) -> None:
    clock = Clock(utc_now())
    keys = ApiKeys(installation.ledger, clock)
    tenants = Tenants(installation.ledger, "default", clock)
    tenants.add(ACME)
    made = keys.add("acme", KeyTerms())
    client = tenants.client(made.key)
    check(installation, client)
    check(installation, Client("acme"))  # without a key: the command line
    keys.revoke(made.id)
    for ended in (client, Client("acme", "cm_nothing00"), Client("other", client.key)):
        with pytest.raises(ClientRemoved):
            check(installation, ended)
