"""Gradients of a batch in shards, each in its own Python thread with single-threaded torch.

Threads inside torch operations synchronise thousands of times per step. If the cores are shared, most of that is
waiting: five times the step time with one busy neighbour (measured). Shards synchronise once per step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn


class ShardedGradients:
    """Sums `loss_of(shard)` over the shards, and stores the gradients in the parameters."""

    def __init__(self, parameters: Iterable[nn.Parameter], shards: int) -> None:
        self.shards = shards
        self._parameters = list(parameters)
        self._pool = ThreadPoolExecutor(shards, initializer=torch.set_num_threads, initargs=(1,))
        if shards > 1:
            torch.set_num_threads(1)

    def backward(self, loss_of: Callable[[int], torch.Tensor]) -> float:
        """Return the total loss. `loss_of` gets the index of a shard and returns its part of the loss."""
        results = list(self._pool.map(lambda shard: self._one(loss_of, shard), range(self.shards)))
        total = list(results[0][1])
        for _, gradients in results[1:]:
            torch._foreach_add_(total, list(gradients))
        for parameter, gradient in zip(self._parameters, total, strict=True):
            parameter.grad = gradient
        return sum(loss for loss, _ in results)

    def _one(self, loss_of: Callable[[int], torch.Tensor], shard: int) -> tuple[float, tuple[torch.Tensor, ...]]:
        loss = loss_of(shard)
        return loss.item(), torch.autograd.grad(loss, self._parameters)
