"""ONNX graphs without weights of the pipeline's networks: text encoder, denoiser, and both halves of the autoencoder.

    python -m models.training.image_model.graph FOLDER

A graph depends on the configuration of a network, not on its weights: at load it gets those of the folder's
safetensors files, by their names there. Before a graph is written, it is run with them and compared with torch. The
model's card then has the SHA-256 of both, so that nothing has to be compared again when the model is loaded.
"""

from __future__ import annotations

import copy
import io
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from models.graphs import without_weights
from models.safetensors import read_tensors
from models.sessions import InMemorySession

OPSET = 18
TEXT_ENCODER, DENOISER = "text_encoder/graph.onnx", "unet/graph.onnx"
ENCODER, DECODER = "vae/encoder.onnx", "vae/decoder.onnx"
MAX_DIFFERENCE = 1e-3
"""Rounding gives about 1e-5 for results of about 1; another network is nowhere near."""

Tensors = dict[str, torch.Tensor]


class _Wrapped(nn.Module):
    """A network with plain inputs and one tensor as its result."""

    def __init__(self, run: Callable[..., Any], **networks: nn.Module) -> None:
        """`run` gets the networks by name, then the inputs."""
        super().__init__()
        self._run = run
        for name, network in networks.items():
            self.add_module(name, network)

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._run(*self.children(), *given)
        return found


@dataclass(frozen=True)
class Exportable:
    """A network to export. `file` and `weights`: paths in the pipeline's folder. `prefix`: what `network` puts before
    the names in `weights`. `inputs` makes its inputs for a number of images, which differ from number to number."""

    file: str
    weights: str
    network: nn.Module
    prefix: str
    inputs: Callable[[int], Tensors]
    result: str


def text_encoder(network: CLIPTextModel) -> Exportable:
    """Token ids (int64, B x T) to text states (float32, B x T x D)."""
    config = network.config

    def inputs(images: int) -> Tensors:
        shape = images, config.max_position_embeddings
        return {"tokens": torch.randint(config.vocab_size, shape, generator=_numbers(images))}

    wrapped = _Wrapped(lambda text, tokens: text(tokens, return_dict=False)[0], text=network)
    return Exportable(TEXT_ENCODER, "text_encoder/model.safetensors", wrapped, "text.", inputs, "states")


def denoiser(network: UNet2DConditionModel, tokens: int) -> Exportable:
    """Samples (float32, B x C x S x S), a timestep (float32, one for all) and text states (B x `tokens` x D) to the
    prediction, of the shape of the samples."""
    config = network.config

    def inputs(images: int) -> Tensors:
        noise = _numbers(images)
        sample = images, config.in_channels, config.sample_size, config.sample_size
        states = images, tokens, config.cross_attention_dim
        return {
            "sample": torch.randn(sample, generator=noise),
            "timestep": torch.tensor(100.0 * images),
            "states": torch.randn(states, generator=noise),
        }

    wrapped = _Wrapped(
        lambda unet, sample, timestep, states: unet(sample, timestep, states, return_dict=False)[0], unet=network
    )
    return Exportable(DENOISER, "unet/diffusion_pytorch_model.safetensors", wrapped, "unet.", inputs, "prediction")


def encoder(vae: AutoencoderKL, side: int) -> Exportable:
    """Images (float32 in [-1, 1], B x 3 x H x W) to the mean and the logarithm of the variance of their latents
    (B x 2C x `side` x `side`)."""
    pixels = side * 2 ** (len(vae.config.block_out_channels) - 1)

    def inputs(images: int) -> Tensors:
        return {"pixels": torch.rand(images, 3, pixels, pixels, generator=_numbers(images)) * 2 - 1}

    wrapped = _Wrapped(
        lambda half, conv, images: conv(half(images)), encoder=vae.encoder, quant_conv=vae.quant_conv or nn.Identity()
    )
    return Exportable(ENCODER, "vae/diffusion_pytorch_model.safetensors", wrapped, "", inputs, "moments")


def decoder(vae: AutoencoderKL, side: int) -> Exportable:
    """Latents (float32, B x C x `side` x `side`) to images (about [-1, 1], B x 3 x H x W)."""

    def inputs(images: int) -> Tensors:
        shape = images, vae.config.latent_channels, side, side
        return {"latents": torch.randn(shape, generator=_numbers(images))}

    wrapped = _Wrapped(
        lambda half, conv, latents: half(conv(latents)),
        decoder=vae.decoder,
        post_quant_conv=vae.post_quant_conv or nn.Identity(),
    )
    return Exportable(DECODER, "vae/diffusion_pytorch_model.safetensors", wrapped, "", inputs, "pixels")


def export(part: Exportable) -> bytes:
    """The serialised ONNX model without weights, which have the names of `part.weights`. The number of images is
    dynamic; all other sizes are fixed."""
    network, given, out = _with_distinct_weights(part.network), part.inputs(2), io.BytesIO()
    axes = {name: {0: "images"} for name in (*given, part.result) if name != "timestep"}
    with warnings.catch_warnings(action="ignore"), torch.no_grad():  # the exporter's own
        torch.onnx.export(
            network,
            tuple(given.values()),
            out,  # type: ignore[arg-type]  # the exporter of TorchScript writes to files too
            input_names=list(given),
            output_names=[part.result],
            dynamic_axes=axes,
            opset_version=OPSET,
            do_constant_folding=False,  # folded weights would lose their names
            dynamo=False,
        )
    return without_weights(out.getvalue(), {name: name.removeprefix(part.prefix) for name in network.state_dict()})


def prove(part: Exportable, graph: bytes, weights: Mapping[str, Any]) -> None:
    """Raise ValueError unless `graph` with these weights computes the same as torch, for other numbers of images and
    other timesteps than it was exported with."""
    session = InMemorySession(graph, weights=weights)
    for images in (1, 3):
        given = part.inputs(images)
        with torch.inference_mode():
            expected = part.network(*given.values()).numpy()
        found = session.run(**{name: value.numpy() for name, value in given.items()})
        if found.shape != expected.shape or not abs(found - expected).max() <= MAX_DIFFERENCE:
            raise ValueError(f"{part.file} does not compute the same as torch")


def parts(folder: Path) -> list[Exportable]:
    """The networks of a pipeline's folder, in float32."""
    options: dict[str, Any] = {"local_files_only": True, "torch_dtype": torch.float32}
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", **options).eval()
    vae = AutoencoderKL.from_pretrained(folder / "vae", **options).eval()
    text = CLIPTextModel.from_pretrained(
        folder / "text_encoder", local_files_only=True, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    side = unet.config.sample_size
    tokens = text.config.max_position_embeddings
    return [text_encoder(text), denoiser(unet, tokens), encoder(vae, side), decoder(vae, side)]


def write(folder: Path) -> None:
    """Write the graphs into a pipeline's folder. Raises ValueError, and writes none, unless all are proven."""
    graphs = {}
    for part in parts(folder):
        graphs[part.file] = export(part)
        prove(part, graphs[part.file], read_tensors((folder / part.weights).read_bytes()))
    for file, graph in graphs.items():
        (folder / file).write_bytes(graph)


def _numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _with_distinct_weights(network: nn.Module) -> nn.Module:
    """A copy with random weights: the exporter would merge equal weights, such as freshly initialised ones."""
    network, numbers = copy.deepcopy(network).eval(), _numbers(0)
    for weight in network.parameters():
        nn.init.normal_(weight, generator=numbers)
    return network


if __name__ == "__main__":
    write(Path(sys.argv[1]))
