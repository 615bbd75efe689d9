import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.access.client import OPERATOR, Client
from service.access.tenants import Keyed, Tenants, Terms, check_active
from service.installation import Installation
from service.kit.errors import BadRequest, ClientRemoved, NotFound, Unauthorized, Unavailable
from tests.support.clock import Clock
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
    assert client == Client("acme", made.key[:11], 0.2, 0.6, 2)
    assert tenants.client(tenants.add(Terms(name="bare")).key) == Client("bare", client_key(tenants, "bare"))


def client_key(tenants: Tenants, name: str) -> str:
    return next(tenant.prefix for tenant in tenants.everybody() if tenant.name == name)


def test_keys_are_long_and_each_is_another(tenants: Tenants) -> None:
    keys = [tenants.add(Terms(name=f"t{n}")).key for n in range(5)]
    assert len(set(keys)) == 5
    assert all(key.startswith("cm_") and len(key) == 46 for key in keys)


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


def test_a_key_does_not_show_itself() -> None:
    assert "secret" not in repr(Keyed("acme", "cm_12345678secret"))


def test_who_ordered_is_known_later_by_the_limits_of_then_and_only_with_the_same_key(tenants: Tenants) -> None:
    assert tenants.client_again("", "") == OPERATOR
    client = tenants.client(tenants.add(Terms(name="acme", max_images=2)).key)
    assert tenants.client_again(client.name, client.key) == client
    tenants.rotate("acme")
    for name, key in ((client.name, client.key), ("nobody", "cm_12345678")):
        with pytest.raises(ClientRemoved):
            tenants.client_again(name, key)
