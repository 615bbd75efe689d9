"""ONNX graphs without weights, for ONNX Runtime, of the denoiser and the autoencoder's decoder.

    python -m models.training.image_model.graph FOLDER

A graph depends on the configuration of a network, not on its weights.
"""

from __future__ import annotations

import copy
import io
import sys
import warnings
from pathlib import Path

import onnx
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

OPSET = 18
DENOISER, DECODER = "unet/graph.onnx", "vae/graph.onnx"


class _Prediction(nn.Module):
    """The denoiser with plain inputs and one output. The attribute name is the prefix of its weights in the graph."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.unet(sample, timestep, states, return_dict=False)[0]
        return found


class _Decoding(nn.Module):
    """The same for the decoder."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.decoder(latents)
        return found


def denoiser_graph(unet: UNet2DConditionModel, tokens: int) -> bytes:
    """A serialised ONNX model with inputs `sample` (B, C, S, S), `timestep` () and `states` (B, `tokens`, D), float32.

    It has no weights; their names are `unet.` followed by the names in `unet.state_dict()`.
    """
    config = unet.config
    sample = torch.zeros(2, config.in_channels, config.sample_size, config.sample_size)
    states = torch.zeros(2, tokens, config.cross_attention_dim)
    given = {"sample": sample, "timestep": torch.tensor(500.0), "states": states}
    return _exported(_Prediction(_with_distinct_weights(unet)), given, "prediction")


def decoder_graph(vae: AutoencoderKL, side: int) -> bytes:
    """The same for the decoder, with the input `latents` (B, C, `side`, `side`) and the prefix `decoder.`."""
    latents = torch.zeros(2, vae.config.latent_channels, side, side)
    return _exported(_Decoding(_with_distinct_weights(vae.decoder)), {"latents": latents}, "pixels")


def write(folder: Path) -> None:
    """Write the graphs into a pipeline's folder."""
    from transformers import CLIPTextConfig

    options = {"local_files_only": True, "torch_dtype": torch.float32}
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", **options)
    vae = AutoencoderKL.from_pretrained(folder / "vae", **options)
    tokens = CLIPTextConfig.from_pretrained(folder / "text_encoder", local_files_only=True).max_position_embeddings
    (folder / DENOISER).write_bytes(denoiser_graph(unet, tokens))
    (folder / DECODER).write_bytes(decoder_graph(vae, unet.config.sample_size))


def _with_distinct_weights(network: nn.Module) -> nn.Module:
    """A copy with random weights: the exporter would merge equal weights, such as freshly initialised ones."""
    network, numbers = copy.deepcopy(network).eval(), torch.Generator().manual_seed(0)
    for weight in network.parameters():
        nn.init.normal_(weight, generator=numbers)
    return network


def _exported(network: nn.Module, given: dict[str, torch.Tensor], result: str) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), torch.no_grad():  # the exporter's own
        torch.onnx.export(
            network,
            tuple(given.values()),
            out,  # type: ignore[arg-type]  # the exporter of TorchScript writes to files too
            input_names=list(given),
            output_names=[result],
            dynamic_axes={name: {0: "pictures"} for name in (*given, result) if name != "timestep"},
            opset_version=OPSET,
            do_constant_folding=False,  # folded weights would lose their names
            dynamo=False,
        )
    model = onnx.load_from_string(out.getvalue())
    if unknown := {one.name for one in model.graph.initializer} - set(network.state_dict()):
        raise ValueError(f"the exporter added weights: {', '.join(sorted(unknown)[:3])}")
    del model.graph.initializer[:]
    serialized: bytes = model.SerializeToString()
    return serialized


if __name__ == "__main__":
    write(Path(sys.argv[1]))
