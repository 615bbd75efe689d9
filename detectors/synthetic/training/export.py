"""Write the network as ONNX. Only this and `finetune` need torch."""

from __future__ import annotations

from pathlib import Path

import torch

from .efficientnet import CutEfficientNet


def write_network(path: Path, network: CutEfficientNet) -> None:
    """N x 3 x S x S in 0..255, S >= 128, to logits (N,); `detectors.synthetic.network` cuts it at its features."""
    torch.onnx.export(
        network.eval().cpu().float(),
        (torch.zeros(2, 3, 192, 192),),
        path,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "n", 2: "height", 3: "width"}, "output": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
