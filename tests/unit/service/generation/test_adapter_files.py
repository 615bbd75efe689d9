"""Which files are adapters, and what their metadata gives away."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from service.generation import adapter_files
from service.generation.adapter_files import hints, read_adapter
from service.kit.errors import BadRequest, Misconfigured
from tests.support.adapters import TAGS, any_lora, word


def test_what_they_are(tmp_path: Path) -> None:
    lora = read_adapter(any_lora(tmp_path / "a.safetensors", TAGS))
    assert (lora.kind, len(lora.digest)) == ("lora", 64)
    assert lora.size == (tmp_path / "a.safetensors").stat().st_size
    assert lora.hints[0] == "tag 'man' on 200 images"
    assert "a token commonly used to learn one subject: ohwx" in lora.hints
    assert "people: man" in lora.hints
    learnt = read_adapter(word(tmp_path / "b.safetensors"))
    assert (learnt.kind, learnt.hints) == ("textual-inversion", ())


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"a": torch.ones(1, 2), "b": torch.ones(1, 2)},
        {"clip_l": torch.ones(1, 2), "clip_g": torch.ones(1, 2)},
        {"lora_unet.hada_w1_a": torch.ones(2, 2)},
        {"transformer.x.lora_A.weight": torch.ones(2, 2), "transformer.x.norm_q.weight": torch.ones(2)},
        {"conv": torch.ones(2, 2, 3)},
    ],
)
def test_what_is_none_that_is_supported(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(BadRequest, match="neither a LoRA nor"):
        read_adapter(tmp_path / "a.safetensors")


def test_pickles_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"")
    for name in ("a.pt", "b.safetensors"):
        with pytest.raises(BadRequest, match="not a safetensors file"):
            read_adapter(tmp_path / name)
    (tmp_path / "c.safetensors").write_bytes(b"PK")
    with pytest.raises(Misconfigured):
        read_adapter(tmp_path / "c.safetensors")


def test_a_file_larger_than_an_adapter_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_files, "MAX_BYTES", {"lora": 100})
    with pytest.raises(BadRequest, match="more than a lora needs"):
        read_adapter(any_lora(tmp_path / "a.safetensors"))


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.text()), st.text())
def test_whatever_the_metadata_says_there_are_hints_or_none(metadata: dict[str, str], said: str) -> None:
    assert isinstance(hints({**metadata, "ss_tag_frequency": said}), tuple)


@pytest.mark.parametrize("said", ["[]", "{", '{"a": 1}', '{"a": {"b": "c"}}', '{"a": {"b": 1e999}}', "[" * 100_000])
def test_tags_that_are_none(said: str) -> None:
    assert hints({"ss_tag_frequency": said}) == ()


def test_at_most_eight_tags_are_told() -> None:
    tags = json.dumps({"x": {f"tag{n}": n for n in range(50)}})
    assert len(hints({"ss_tag_frequency": tags})) == 8
