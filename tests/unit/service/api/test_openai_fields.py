import pytest

from service.api.openai_fields import OpenAIFields, WithoutEffect


@pytest.mark.parametrize(
    ("name", "own", "told"),
    [
        ("auto", "standard", False),
        ("standard", "standard", False),
        ("low", "standard", True),
        ("medium", "standard", True),
        ("high", "high", False),
        ("hd", "high", True),
        ("max", "high", True),
    ],
)
def test_qualities(name: str, own: str, told: bool) -> None:
    fields = OpenAIFields.model_validate({"quality": name})
    assert fields.order_quality == own
    assert bool(fields.warnings) is told


def test_what_has_no_effect_is_said_if_it_was_set() -> None:
    without = {
        name: info.default
        for name, info in OpenAIFields.model_fields.items()
        if any(isinstance(meta, WithoutEffect) for meta in info.metadata)
    }
    assert OpenAIFields.model_validate(without).warnings == ()
    wanted = {
        "moderation": "low", "partial_images": 1, "style": "vivid", "input_fidelity": "low", "complexity": "low",
    }  # fmt: skip
    assert without.keys() == wanted.keys()
    assert len(OpenAIFields.model_validate(wanted).warnings) == len(wanted)


def test_who_asks_is_not_warned_about() -> None:
    assert OpenAIFields.model_validate({"user": "u", "safety_identifier": "s", "model": "m"}).warnings == ()
