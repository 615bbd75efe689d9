"""The denoiser's graph without its weights, for ONNX Runtime: `python -m models.training.image_model.graph FOLDER`.

It belongs to the shapes and settings of the network, not to its numbers: weights of the same configuration share it.
"""

from __future__ import annotations

import copy
import io
import sys
import warnings
from pathlib import Path

import onnx
import torch
from diffusers import UNet2DConditionModel
from torch import nn

OPSET = 18
FILE = "unet/graph.onnx"


class _Prediction(nn.Module):
    """The denoiser with plain inputs and one output, under the name that its weights have in the graph."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        return self.unet(sample, timestep, states, return_dict=False)[0]


def graph_of(unet: UNet2DConditionModel, tokens: int) -> bytes:
    """A serialised ONNX model with inputs `sample` (B, C, S, S), `timestep` () and `states` (B, `tokens`, D), float32.

    Its weights are missing: they are called `unet.` and what `unet.state_dict()` calls them.
    """
    config = unet.config
    unet, numbers = copy.deepcopy(unet).eval(), torch.Generator().manual_seed(0)
    for weight in unet.parameters():  # of two that are equal, as fresh ones are, the exporter would make one
        nn.init.normal_(weight, generator=numbers)
    example = (
        torch.zeros(2, config.in_channels, config.sample_size, config.sample_size),
        torch.tensor(500.0),
        torch.zeros(2, tokens, config.cross_attention_dim),
    )
    free = {name: {0: "pictures"} for name in ("sample", "states", "prediction")}
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), torch.no_grad():  # of the exporter about itself
        torch.onnx.export(
            _Prediction(unet),
            example,
            out,
            input_names=["sample", "timestep", "states"],
            output_names=["prediction"],
            dynamic_axes=free,
            opset_version=OPSET,
            do_constant_folding=False,  # folded weights would have no name to find them by
            dynamo=False,
        )
    model = onnx.load_from_string(out.getvalue())
    if strangers := {one.name for one in model.graph.initializer} - {f"unet.{name}" for name in unet.state_dict()}:
        raise ValueError(f"the exporter made weights of its own: {', '.join(sorted(strangers)[:3])}")
    del model.graph.initializer[:]
    serialized: bytes = model.SerializeToString()
    return serialized


def write(folder: Path) -> None:
    """Puts the graph into a pipeline's folder."""
    from transformers import CLIPTextConfig

    unet = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True, torch_dtype=torch.float32)
    tokens = CLIPTextConfig.from_pretrained(folder / "text_encoder", local_files_only=True).max_position_embeddings
    (folder / FILE).write_bytes(graph_of(unet, tokens))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
