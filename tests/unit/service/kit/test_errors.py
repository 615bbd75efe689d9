from typing import Any

import pytest

from service.kit.errors import Error, Refusal, bad_field, first_fault, tree

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


def fault(kind: str, *loc: str | int) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": "Input is wrong"}


@pytest.mark.parametrize(
    ("wrong", "message", "param"),
    [
        (fault("int_type", "body", "n"), "n: Input is wrong", "n"),
        (fault("int_type", "width"), "size: Input is wrong", "size"),
        (fault("int_type", "input", "list[str]", 0), "input.list[str].0: Input is wrong", "input"),
        (fault("missing", "body"), "the body: Input is wrong", None),
        (fault("json_invalid", "body", 12), "12: Input is wrong", None),
        (fault("extra_forbidden", "body", "latents"), "unknown field: latents", "latents"),
        (
            fault("extra_forbidden", "body", "images", 0, "file_id"),
            "unknown field: images.0.file_id",
            "images.0.file_id",
        ),
        (fault("extra_forbidden", "body", "ann@example.com"), "unknown field", None),
        (fault("extra_forbidden", "body", "Ann Example"), "unknown field", None),
    ],
)
def test_a_field_is_named_as_its_sender_calls_it(wrong: dict[str, Any], message: str, param: str | None) -> None:
    found = bad_field([wrong, fault("missing", "later")], {"width": "size"})
    assert (found.message, found.param) == (message, param)
    if wrong["type"] != "extra_forbidden":
        assert first_fault([wrong], {"width": "size"}) == message
