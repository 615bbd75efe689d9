"""Loading a pipeline: complete, from safetensors, and only what the settings allow."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from service.generation.diffusers import loading
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import Settings


def load(folder: object, **more: Any) -> None:
    loading.load_backend(Settings(pipeline=str(folder), threads=1, **more))


def test_a_hub_id_without_leave() -> None:
    with pytest.raises(Misconfigured, match="downloading is off"):
        load("someone/some-model")


def test_a_hub_id_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    def fail(*args: object, **more: object) -> str:
        raise OSError("offline")

    monkeypatch.setattr(diffusers.DiffusionPipeline, "download", fail)
    with pytest.raises(Unavailable, match="could not be downloaded"):
        load("someone/some-model", allow_hub=True)


def test_a_folder_that_is_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"model_index\.json"):
        load(tmp_path)


def test_a_family_that_is_not_supported(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "OwnPipeline"}))
    with pytest.raises(Misconfigured, match="OwnPipeline is not supported"):
        load(tmp_path)


@pytest.mark.parametrize("missing", ["torch", "diffusers", "transformers"])
def test_a_missing_package_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(Unavailable, match=missing) as unavailable:
        loading.require()
    assert "countermark[generate]" in unavailable.value.hint


class Kind:
    """A part whose library reports `report` after loading."""

    def __init__(self, **report: object) -> None:
        self.report = report
        self.options: dict[str, object] = {}

    def from_pretrained(self, folder: Path, **options: object) -> tuple[torch.nn.Module, dict[str, object]]:
        self.options = options
        return torch.nn.Linear(2, 2).train(), self.report


def test_a_complete_part_is_frozen_for_inference() -> None:
    kind = Kind(missing_keys=[], mismatched_keys=set(), error_msgs=None, unexpected_keys=["old"])
    part = loading._load_complete(kind, Path("unet"), {"use_safetensors": True})
    assert not part.training
    assert not any(weight.requires_grad for weight in part.parameters())
    assert kind.options == {"output_loading_info": True, "use_safetensors": True}


@pytest.mark.parametrize("what", ["missing_keys", "mismatched_keys", "error_msgs"])
def test_weights_that_would_be_random_are_refused(what: str) -> None:
    kind = Kind(**{what: ["d", "c", "b", "a"]})
    with pytest.raises(Misconfigured, match=rf"unet are incomplete: {what.replace('_', ' ')}: a, b, c, \.\.\.$"):
        loading._load_complete(kind, Path("unet"), {})


class Pipeline:
    """Records where it was moved."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def to(self, device: str) -> None:
        self.calls.append(("to", device))

    def enable_model_cpu_offload(self, *, device: str) -> None:
        self.calls.append(("model", device))

    def enable_sequential_cpu_offload(self, *, device: str) -> None:
        self.calls.append(("sequential", device))


@pytest.mark.parametrize(("offload", "call"), [("none", "to"), ("model", "model"), ("sequential", "sequential")])
def test_a_pipeline_goes_to_its_device_or_is_offloaded(offload: Any, call: str) -> None:
    pipeline = loading._to_device(Pipeline(), Settings(offload=offload, device="cuda:0"))
    assert pipeline.calls == [(call, "cuda:0")]


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_offloading_needs_an_accelerator(device: str) -> None:
    with pytest.raises(Misconfigured, match=f"the device is {device}"):
        loading._to_device(Pipeline(), Settings(offload="model", device=device))


def test_without_a_setting_no_ip_adapter_is_loaded() -> None:
    assert loading._references(Settings()) is None
