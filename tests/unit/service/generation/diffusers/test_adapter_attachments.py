from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models import DigestMismatch, ModelFault, ModelMissing
from service.generation.adapter import Adapter
from service.generation.diffusers.adapter_attachments import AdapterAttachments, check_adapters
from service.generation.folders import file_digest
from service.kit.errors import BadRequest, Unavailable


class Pipeline:
    """Knows which LoRAs are loaded, and with which scales."""

    def __init__(self) -> None:
        unet: Any = torch.nn.Linear(4, 4)
        unet.peft_config = {}
        self.unet = unet
        self.components = {"unet": self.unet, "scheduler": object()}
        self.scales: dict[str, float] = {}

    def load_lora_weights(self, folder: Path, *, weight_name: str, adapter_name: str, **more: object) -> None:
        assert (folder / weight_name).is_file()
        assert more == {"use_safetensors": True, "local_files_only": True}
        self.unet.peft_config[adapter_name] = weight_name

    def get_list_adapters(self) -> dict[str, list[str]]:
        return {"unet": list(self.unet.peft_config)}

    def set_adapters(self, names: list[str], scales: list[float]) -> None:
        self.scales = dict(zip(names, scales, strict=True))

    def unload_lora_weights(self) -> None:
        self.unet.peft_config = {}


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def adapters(tmp_path: Path) -> list[Adapter]:
    found = []
    for name, scale in (("style", 0.5), ("paper.v2", 1.0)):
        file = tmp_path / f"{name}.safetensors"
        file.write_bytes(name.encode())
        found.append(Adapter(name, "lora", file_digest(file), file, scale))
    return found


def test_adapters_are_attached_inside_the_block_only(pipeline: Pipeline, adapters: list[Adapter]) -> None:
    attachments = AdapterAttachments(pipeline)
    with attachments.attached(pipeline, adapters):
        assert pipeline.unet.peft_config == {"adapter0": "style.safetensors", "adapter1": "paper.v2.safetensors"}
        assert pipeline.scales == {"adapter0": 0.5, "adapter1": 1.0}
    assert pipeline.unet.peft_config == {}


def test_an_exception_detaches_them_too(pipeline: Pipeline, adapters: list[Adapter]) -> None:
    attachments = AdapterAttachments(pipeline)
    with pytest.raises(KeyError), attachments.attached(pipeline, adapters):
        raise KeyError
    with attachments.attached(pipeline, []):
        assert pipeline.unet.peft_config == {}


def test_what_cannot_be_detached_refuses_all_further_jobs(
    pipeline: Pipeline, adapters: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    attachments = AdapterAttachments(pipeline)
    monkeypatch.setattr(Pipeline, "unload_lora_weights", lambda self: None)
    with pytest.raises(ModelFault, match="detached from unet"), attachments.attached(pipeline, adapters):
        pass
    monkeypatch.undo()
    pipeline.unload_lora_weights()
    with pytest.raises(ModelFault, match="earlier order"), attachments.attached(pipeline, []):
        pytest.fail("a job ran")


def test_an_altered_or_missing_file_is_not_loaded(pipeline: Pipeline, adapters: list[Adapter]) -> None:
    attachments = AdapterAttachments(pipeline)
    adapters[1].file.write_bytes(b"other")
    with pytest.raises(DigestMismatch, match="paper"), attachments.attached(pipeline, adapters):
        pytest.fail("a job ran")
    adapters[1].file.unlink()
    with pytest.raises(ModelMissing, match="paper"), attachments.attached(pipeline, adapters):
        pytest.fail("a job ran")
    assert pipeline.unet.peft_config == {}


def test_a_lora_without_layers_of_this_model_does_not_fit(
    pipeline: Pipeline, adapters: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "load_lora_weights", lambda self, *_, **more: None)
    with (
        pytest.raises(ModelFault, match="no layers in common"),
        AdapterAttachments(pipeline).attached(pipeline, adapters),
    ):
        pytest.fail("a job ran")


def test_a_library_that_cannot_load_it_says_it_does_not_fit(
    pipeline: Pipeline, adapters: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unfit(*_args: object, **_more: object) -> None:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(Pipeline, "load_lora_weights", unfit)
    with (
        pytest.raises(ModelFault, match=r"does not fit this model \(RuntimeError\)"),
        AdapterAttachments(pipeline).attached(pipeline, adapters),
    ):
        pytest.fail("a job ran")


def inversion(scale: float = 1.0) -> Adapter:
    return Adapter("cat", "textual-inversion", "0" * 64, Path("cat.safetensors"), scale)


@pytest.mark.parametrize(
    ("pipeline", "adapter", "why"),
    [
        (SimpleNamespace(), Adapter("style", "lora", "", Path()), "takes no lora"),
        (SimpleNamespace(), inversion(), "takes no textual-inversion"),
        (SimpleNamespace(load_textual_inversion=1, text_encoder_2=object()), inversion(), "several text encoders"),
        (SimpleNamespace(load_textual_inversion=1), inversion(0.5), "has no scale"),
    ],
)
def test_what_a_pipeline_does_not_support_is_a_bad_request(pipeline: object, adapter: Adapter, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        check_adapters(pipeline, [adapter])


def test_adapters_need_peft(monkeypatch: pytest.MonkeyPatch, adapters: list[Adapter], pipeline: Pipeline) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check_adapters(pipeline, [])
    with pytest.raises(Unavailable, match="peft"):
        check_adapters(pipeline, adapters)
