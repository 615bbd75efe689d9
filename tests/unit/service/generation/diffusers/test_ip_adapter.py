from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from models import ModelFault
from service.generation import References
from service.generation.diffusers.ip_adapter import WEIGHTS, IPAdapter, check_references
from service.kit.errors import BadRequest, Misconfigured
from tests.support.ip_adapters import ip_adapter
from tests.support.painter import landscape
from tests.support.pipelines import unet

REFERENCES = References((landscape(1, 64, 64), landscape(2, 64, 64)), 0.6, "0" * 64)


class Pipeline:
    """Records what is attached to it."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.calls: list[object] = []

    def register_modules(self, *, image_encoder: Any) -> None:
        self.calls.append("encoder")

    def load_ip_adapter(self, folder: str, **more: object) -> None:
        if self.fault:
            raise self.fault
        assert more["local_files_only"] is True
        self.calls.append(more["weight_name"])

    def set_ip_adapter_scale(self, scale: float) -> None:
        self.calls.append(scale)

    def unload_ip_adapter(self) -> None:
        self.calls.append("unloaded")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return ip_adapter(tmp_path_factory.mktemp("adapter"), SimpleNamespace(unet=unet(32)))


@pytest.fixture(scope="module")
def adapter(folder: Path) -> IPAdapter:
    return IPAdapter(folder)


def test_it_is_attached_inside_the_block_only(adapter: IPAdapter) -> None:
    pipeline = Pipeline()
    with adapter.attached(pipeline, REFERENCES) as arguments:
        assert pipeline.calls == ["encoder", WEIGHTS, 0.6]
        (images,) = arguments["ip_adapter_image"]
        assert [np.array_equal(a, b) for a, b in zip(images, REFERENCES.pictures, strict=True)] == [True, True]
    assert pipeline.calls[-1] == "unloaded"


def test_an_exception_detaches_it_too(adapter: IPAdapter) -> None:
    pipeline = Pipeline()
    with pytest.raises(KeyError), adapter.attached(pipeline, REFERENCES):
        raise KeyError
    assert pipeline.calls[-1] == "unloaded"


def test_one_that_does_not_fit_is_a_fault_and_detached(adapter: IPAdapter) -> None:
    pipeline = Pipeline(RuntimeError("size mismatch"))
    with pytest.raises(ModelFault, match=r"\(RuntimeError\)"), adapter.attached(pipeline, REFERENCES):
        pytest.fail("a job ran")
    assert pipeline.calls[-1] == "unloaded"


def test_its_digest_covers_the_folder(adapter: IPAdapter) -> None:
    assert len(adapter.digest) == 64


def test_a_folder_without_weights_or_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="not an IP-Adapter"):
        IPAdapter(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"")
    with pytest.raises(Misconfigured, match="image encoder"):
        IPAdapter(tmp_path)


@pytest.mark.parametrize(
    ("pipeline", "loaded", "why"),
    [
        (SimpleNamespace(unet=object(), load_ip_adapter=1), False, "no IP-Adapter is loaded"),
        (SimpleNamespace(load_ip_adapter=1), True, "does not support reference images"),
        (SimpleNamespace(unet=object()), True, "does not support reference images"),
    ],
)
def test_references_need_an_adapter_and_a_unet(pipeline: object, loaded: bool, why: str) -> None:
    adapter = cast(IPAdapter, object()) if loaded else None
    check_references(pipeline, adapter, None)
    with pytest.raises(BadRequest, match=why):
        check_references(pipeline, adapter, REFERENCES)


def test_a_unet_with_an_adapter_takes_references() -> None:
    check_references(SimpleNamespace(unet=object(), load_ip_adapter=1), cast(IPAdapter, object()), REFERENCES)
