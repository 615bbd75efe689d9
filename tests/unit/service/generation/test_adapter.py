from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from service.generation.adapter import Adapter


def test_a_textual_inversion_is_called_by_its_name_in_angle_brackets() -> None:
    assert Adapter("my.cat", "textual-inversion", "0" * 64, Path("a")).word == "<my.cat>"


def test_it_cannot_be_changed_after_it_was_checked() -> None:
    adapter = Adapter("style", "lora", "0" * 64, Path("a"))
    assert adapter.scale == 1.0
    with pytest.raises(FrozenInstanceError):
        adapter.scale = 2.0  # type: ignore[misc]
