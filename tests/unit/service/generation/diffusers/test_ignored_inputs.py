"""What of a prompt a model is given, and what is expected of the rest."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from service.generation.backend import Job
from service.generation.diffusers.ignored_inputs import IgnoredInputs
from tests.support import pipelines


class Pipeline(SimpleNamespace):
    def __call__(self, prompt: str, guidance_scale: float = 7.5) -> None: ...


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One token a letter, 16 at most, two of which stand before and after."""
    return pipelines.clip_tokenizer(tmp_path_factory.mktemp("tokenizer") / "one")


def _ignored_inputs(tokenizer: Any, options: Mapping[str, Any]) -> IgnoredInputs:
    return IgnoredInputs(Pipeline(components={"tokenizer": tokenizer}), options)


def _job(prompt: str, negative_prompt: str = "") -> Job:
    return Job(prompt, negative_prompt, 7, 128, 128, 2, 5.0)


def test_all_is_handed_on_where_the_tokenizer_does_the_cutting(tokenizer: Any) -> None:
    ignored = _ignored_inputs(tokenizer, {})
    assert ignored.truncate("a" * 40) == "a" * 40
    assert ignored.warnings(_job("a" * 14), 5.0) == ()
    assert ignored.warnings(_job("a" * 15), 5.0) == (
        "the prompt is too long: the model reads only its first 16 tokens",
    )


def test_a_cards_own_limit_cuts_the_text(tokenizer: Any) -> None:
    ignored = _ignored_inputs(tokenizer, {"prompt_tokens": 8})
    assert ignored.truncate("red fox") == "red fox"  # six letters
    assert ignored.truncate("red fox sleeps") == "red fox"
    assert ignored.truncate("") == ""
    assert ignored.warnings(_job("red fox", "a cat"), 5.0) == ()
    expected = ("the negative prompt is too long: the model reads only its first 8 tokens",)
    assert ignored.warnings(_job("red fox", "a cat sleeps"), 5.0) == expected


def test_a_limit_beyond_the_tokenizers_changes_nothing(tokenizer: Any) -> None:
    assert _ignored_inputs(tokenizer, {"prompt_tokens": 99}).truncate("a" * 40) == "a" * 40
