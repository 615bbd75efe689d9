import pytest

from service.kit.errors import Error, Refusal, tree

ERRORS = list(dict.fromkeys(tree()))


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_complete(error: type[Error]) -> None:
    assert error.code.isidentifier()
    assert 400 <= error.status <= 599
    assert error.exit_code in (1, 2, 3, 4, 5, 6, 7, 70)
    assert error.hint.endswith(".")


def test_codes_are_unique() -> None:
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)


def test_a_hint_can_be_more_precise() -> None:
    assert Error("x", hint="Do this.").hint == "Do this."
    assert Refusal("x", stage="render").stage == "render"
