"""A loss that makes the denoiser's cells attend to their own positions of the layout.

The text encoder describes each cell in one position (`layout`), but a cell has to find its own position: convolutions
must infer from the borders where it is, and its query must match the right key. The diffusion loss alone teaches this
slowly; with an explicit loss it took 400 steps. Squared error in the cells of objects, all noise, training scenes:

| | single objects | several | two objects |
| --- | --- | --- | --- |
| before | .21 | .59 | .84 |
| 450 steps with a layout | .16 | .55 | .77 |
| 600 more with this loss | .16 | .48 | .65 |
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

HEADS = 2
"""Number of attention heads per layer that the loss applies to; the others are free."""


class AttentionLoss:
    """Records a denoiser's cross-attention. Each thread gets the loss of its own last forward pass."""

    def __init__(self, unet: UNet2DConditionModel, side: int) -> None:
        """`side`: cells per side of the layout, whose positions are the last ones of the text. Must be a multiple of
        the side of the finest layer with attention."""
        self._side, self._recorded = side, threading.local()
        self._heads: dict[str, int] = {}
        for name, module in unet.named_modules():
            if name.endswith(".attn2"):
                self._heads[name] = module.heads
                module.to_q.register_forward_hook(self._recorder(name, "queries"))
                module.to_k.register_forward_hook(self._recorder(name, "keys"))

    def loss(self) -> torch.Tensor:
        """The mean of -log(a cell's attention to its own positions) in this thread's last forward pass."""
        parts, self._recorded.parts = self._recorded.parts, {}
        layers = self._heads.items()
        losses = [self._layer_loss(parts[name, "queries"], parts[name, "keys"], heads) for name, heads in layers]
        return torch.stack(losses).mean()

    def _recorder(self, name: str, what: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def hook(_module: nn.Module, _given: Any, output: torch.Tensor) -> None:
            if torch.is_grad_enabled():
                self._recorded.__dict__.setdefault("parts", {})[name, what] = output

        return hook

    def _layer_loss(self, queries: torch.Tensor, keys: torch.Tensor, heads: int) -> torch.Tensor:
        """`queries` (B, N * N, D) of N x N cells, `keys` (B, L, D)."""
        batch, cells, width = queries.shape
        q, k = (
            one.view(batch, -1, heads, width // heads)[:, :, :HEADS].transpose(1, 2).float() for one in (queries, keys)
        )
        attention = (q @ k.mT / (width // heads) ** 0.5).log_softmax(-1)[..., -(self._side**2) :]
        side = round(cells**0.5)
        finer = self._side // side
        blocks = attention.unflatten(-1, (side, finer, side, finer)).logsumexp((-3, -1)).flatten(-2)
        result: torch.Tensor = -blocks.diagonal(dim1=-2, dim2=-1).mean()
        return result
