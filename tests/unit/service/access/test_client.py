import pytest

from service.access.client import OPERATOR, Client
from service.kit.errors import ScopeMissing


def test_a_scope_that_is_missing_is_named() -> None:
    Client(scopes=("examine",)).check_scope("examine")
    with pytest.raises(ScopeMissing, match="`generate`") as refused:
        Client(scopes=("examine",)).check_scope("generate")
    assert refused.value.scope == "generate"


def test_without_a_key_nobody_is_an_administrator() -> None:
    with pytest.raises(ScopeMissing):
        OPERATOR.check_scope("admin")
