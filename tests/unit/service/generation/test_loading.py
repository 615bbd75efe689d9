import sys
from typing import Any

import pytest

from service.generation import loading
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import Settings


@pytest.mark.parametrize("changes", [{"device": "cuda:0"}, {"precision": "bfloat16"}, {"pipeline": "other"}])
def test_only_the_embedded_model_on_the_processor_needs_no_torch(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable) as unavailable:
        loading.load_backend(Settings(**changes))
    assert "countermark[generate]" in unavailable.value.hint


def test_offloading_still_needs_an_accelerator() -> None:
    with pytest.raises(Misconfigured, match="the device is cpu"):
        loading.load_backend(Settings(offload="model"))


def test_what_the_embedded_model_needs_torch_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match="for adapters, and for schedulers") as unavailable:
        loading._in_torch(Settings(), lambda loaded, total, part: None)
    assert "countermark[generate]" in unavailable.value.hint
