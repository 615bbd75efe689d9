from pathlib import Path

import pytest

from service.access.api_keys import ApiKeys, KeyTerms
from service.access.operator_sessions import LIFETIME, OperatorSessions
from service.access.tenants import Tenants, Terms
from service.installation import Installation
from service.kit.errors import KeyRevoked, ScopeMissing, Unauthorized
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenants(installation: Installation, clock: Clock) -> Tenants:
    return Tenants(installation.ledger, "default", clock)


@pytest.fixture
def sessions(installation: Installation, tenants: Tenants, clock: Clock) -> OperatorSessions:
    return OperatorSessions(installation.ledger, tenants, clock)


@pytest.fixture
def key(tenants: Tenants) -> str:
    return tenants.add(Terms(name="ops"), KeyTerms(scopes=("admin",))).key


def test_a_session_has_a_name_and_a_token_for_its_forms(sessions: OperatorSessions, key: str) -> None:
    token = sessions.sign_in(key)
    operator = sessions.operator(token)
    assert operator is not None
    assert operator.name == f"ops {key[:11]}"
    assert operator.sent(operator.form_token)
    for other in ("", token, "ä", operator.form_token[:-1]):
        assert not operator.sent(other)
    assert sessions.operator(sessions.sign_in(key)) != operator  # another session has another
    assert sessions.operator(operator.form_token) is None


def test_it_ends_by_itself_when_it_is_ended_and_with_its_key(
    sessions: OperatorSessions, tenants: Tenants, key: str, clock: Clock, installation: Installation
) -> None:
    first, second = sessions.sign_in(key), sessions.sign_in(key)
    sessions.sign_out(first)
    assert sessions.operator(first) is None
    assert sessions.operator(second)
    clock.wait(LIFETIME.total_seconds() / 3600)
    assert sessions.operator(second) is None
    third = sessions.sign_in(key)
    ApiKeys(installation.ledger, clock).revoke(key[:11])
    assert sessions.operator(third) is None
    with pytest.raises(KeyRevoked):
        sessions.sign_in(key)


def test_it_ends_with_its_tenant(sessions: OperatorSessions, tenants: Tenants, key: str) -> None:
    token = sessions.sign_in(key)
    tenants.remove("ops")
    assert sessions.operator(token) is None


def test_no_other_key_opens_the_pages(sessions: OperatorSessions, tenants: Tenants) -> None:
    usual = tenants.add(Terms(name="acme")).key
    with pytest.raises(ScopeMissing, match="admin"):
        sessions.sign_in(usual)
    for text in ("", "cm_", "cm_\0", usual[:-1]):
        with pytest.raises(Unauthorized):
            sessions.sign_in(text)
        assert sessions.operator(text) is None


def test_the_token_is_nowhere_in_the_home_folder(
    sessions: OperatorSessions, key: str, installation: Installation
) -> None:
    token = sessions.sign_in(key)
    for file in Path(installation.settings.home).rglob("*"):
        assert not file.is_file() or token.encode() not in file.read_bytes()
