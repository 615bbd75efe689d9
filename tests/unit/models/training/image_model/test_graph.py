"""Graphs of tiny random networks, computed by torch and by ONNX Runtime."""

import functools
from collections.abc import Mapping
from typing import Any

import onnx
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from models import ModelFault
from models.training.image_model.graph import Exportable, decoder, denoiser, encoder, export, prove, text_encoder
from tests.support.pipelines import unet as tiny
from tests.support.pipelines import vae as tiny_vae

TOKENS, WIDTH, SIDE = 16, 32, 8


def unet(seed: int = 0, **more: Any) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    return tiny(WIDTH, **more).eval().requires_grad_(False)


def vae(**more: Any) -> AutoencoderKL:
    torch.manual_seed(0)
    return tiny_vae(**more).eval().requires_grad_(False)


def text() -> CLIPTextModel:
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=99, hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=TOKENS, bos_token_id=97, eos_token_id=98, pad_token_id=98,
    )  # fmt: skip
    config._attn_implementation = "eager"
    return CLIPTextModel(config).eval().requires_grad_(False)


def weights(part: Exportable) -> Mapping[str, Any]:
    """As a safetensors file has them."""
    return {name.removeprefix(part.prefix): one.numpy() for name, one in part.network.state_dict().items()}


PARTS = {
    "text encoder": lambda: text_encoder(text()),
    "denoiser": lambda: denoiser(unet(), TOKENS),
    "encoder": lambda: encoder(vae(), SIDE),
    "decoder": lambda: decoder(vae(), SIDE),
}


@functools.cache
def exported(name: str) -> tuple[Exportable, bytes]:
    part = PARTS[name]()
    return part, export(part)


@pytest.mark.parametrize("name", PARTS)
def test_a_graph_is_empty_and_computes_what_torch_does_for_any_number_of_images(name: str) -> None:
    part, graph = exported(name)
    kept = onnx.load_from_string(graph).graph.initializer
    assert not [one for one in kept if one.data_type == onnx.TensorProto.FLOAT]
    prove(part, graph, weights(part))


@pytest.mark.parametrize("name", PARTS)
def test_other_weights_are_not_proven(name: str) -> None:
    part, graph = exported(name)
    with pytest.raises(ValueError, match="not compute the same"):
        prove(part, graph, {key: values * 2 for key, values in weights(part).items()})


@pytest.fixture
def graph() -> bytes:
    return exported("denoiser")[1]


def test_a_graph_takes_other_weights_of_the_same_shapes(graph: bytes) -> None:
    other = denoiser(unet(1), TOKENS)
    prove(other, graph, weights(other))


def test_another_networks_graph_is_not_proven(graph: bytes) -> None:
    """The same weights fit into both: only what comes out tells that this graph splits them into other heads."""
    other = denoiser(unet(heads=2), TOKENS)
    with pytest.raises(ValueError, match="not compute the same"):
        prove(other, graph, weights(other))


def test_a_graph_of_other_shapes_is_not_proven(graph: bytes) -> None:
    other = denoiser(unet(channels=(16, 32)), TOKENS)
    with pytest.raises(ModelFault, match="ONNX Runtime"):
        prove(other, graph, weights(other))


@pytest.mark.parametrize("broken", [b"", b"no graph", b"\x08"])
def test_what_is_no_graph_is_not_proven(broken: bytes) -> None:
    part = denoiser(unet(), TOKENS)
    with pytest.raises((ValueError, ModelFault)):
        prove(part, broken, weights(part))
