"""Write the model files: network and head as ONNX, the calibration as JSON."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from detectors.synthetic.calibration import Calibration
from detectors.synthetic.encoder import FEATURES

from .heads import CLIP, Head
from .network import CutEfficientNet


class _HeadModule(nn.Module):
    mean: torch.Tensor
    deviation: torch.Tensor
    weights: torch.Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(head.mean))
        self.register_buffer("deviation", torch.from_numpy(head.deviation))
        self.register_buffer("weights", torch.from_numpy(head.weights)[:, None])
        self.bias = head.bias

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, 6912) to (N, 1)."""
        return ((features - self.mean) / self.deviation).clamp(-CLIP, CLIP) @ self.weights + self.bias


def write(folder: Path, network: CutEfficientNet, head: Head, calibration: Calibration) -> None:
    """Write network.onnx (N x 3 x S x S in 0..255, S >= 128, to logits (N,)), head.onnx and calibration.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_network(folder / "network.onnx", network)
    _export(_HeadModule(head).eval(), torch.zeros(2, FEATURES), folder / "head.onnx", (0,))
    (folder / "calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n")


def write_network(path: Path, network: CutEfficientNet) -> None:
    _export(network.eval().cpu().float(), torch.zeros(2, 3, 192, 192), path, (0, 2, 3))


def _export(module: nn.Module, example: torch.Tensor, path: Path, free: tuple[int, ...]) -> None:
    names = {0: "n", 2: "height", 3: "width"}
    torch.onnx.export(
        module,
        (example,),
        path,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {axis: names[axis] for axis in free}, "output": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
