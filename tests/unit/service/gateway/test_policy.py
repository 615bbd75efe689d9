"""What the safety checkers' answers mean."""

from service.gateway.policy import is_answer
from tests.support.painter import finding


def test_is_answer_wants_findings() -> None:
    assert is_answer([finding(0.0)], 1)
    assert not is_answer([finding(0.0)], 2)
    assert not is_answer([], 1)
