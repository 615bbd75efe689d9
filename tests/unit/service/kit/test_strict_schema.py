import pytest
from pydantic import ValidationError

from service.kit.strict_schema import MAX_MEMBERS, StrictModel


class Order(StrictModel):
    count: int = 1


def test_unknown_members_and_other_types_are_refused() -> None:
    assert Order.model_validate({"count": 2}).count == 2
    for wrong in ({"other": 1}, {"count": "2"}, {"count": True}):
        with pytest.raises(ValidationError):
            Order.model_validate(wrong)


def test_many_unknown_members_cost_one_complaint() -> None:
    with pytest.raises(ValidationError) as few:
        Order.model_validate({str(n): n for n in range(MAX_MEMBERS)})
    with pytest.raises(ValidationError) as many:
        Order.model_validate({str(n): n for n in range(MAX_MEMBERS + 1)})
    assert (few.value.error_count(), many.value.error_count()) == (MAX_MEMBERS, 1)
