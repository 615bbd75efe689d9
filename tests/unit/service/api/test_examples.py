import pytest

from service.api.examples import EXAMPLES, Example, example_of, problem_example
from service.kit.errors import Busy, NotFound, Unsafe


def test_an_example_is_written_into_an_operation() -> None:
    operation = {
        "parameters": [{"name": "case"}],
        "requestBody": {"content": {"application/json": {}}},
        "responses": {"200": {"content": {"application/json": {}}}},
    }
    Example({200: {"a": 1}}, {"case": "T-1"}, {"application/json": {"b": 2}}).add_to(operation)
    assert operation == {
        "parameters": [{"name": "case", "example": "T-1"}],
        "requestBody": {"content": {"application/json": {"example": {"b": 2}}}},
        "responses": {"200": {"content": {"application/json": {"example": {"a": 1}}}}},
    }


@pytest.mark.parametrize(
    "example", [Example({201: {}}), Example({200: {}}, {"pin": "1"}), Example({200: {}}, {}, {"text/plain": ""})]
)
def test_an_example_of_what_an_operation_does_not_have(example: Example) -> None:
    operation = {
        "parameters": [{"name": "case"}],
        "requestBody": {"content": {"application/json": {}}},
        "responses": {"200": {"content": {"application/json": {}}}},
    }
    with pytest.raises(KeyError):
        example.add_to(operation)


def test_problems_have_an_appeal_only_for_refusals() -> None:
    assert problem_example(example_of(Unsafe))["appeal"]
    assert "appeal" not in problem_example(example_of(NotFound))
    assert problem_example(example_of(Busy))["error"]["type"] == "rate_limit_error"


def test_examples_hold_nothing_real() -> None:
    text = str(EXAMPLES).replace("c2sp.org/tlog-proof@v1", "")
    assert "@example.com" in text
    assert text.count("@") == text.count("@example.com")
