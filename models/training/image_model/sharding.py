"""Gradients of one batch in shards, each on a Python thread of its own with a single-threaded torch.

Threads inside every operation wait for each other thousands of times a step, and where other work shares the cores
most of that is waiting: measured, five times the step time with one busy neighbour. Shards wait once a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn


class ShardedGradients:
    """Sums over the shards what `loss_of(shard)` returns, and leaves the gradients in the parameters."""

    def __init__(self, parameters: Iterable[nn.Parameter], shards: int) -> None:
        self.shards = shards
        self._parameters = list(parameters)
        self._pool = ThreadPoolExecutor(shards, initializer=torch.set_num_threads, initargs=(1,))
        if shards > 1:
            torch.set_num_threads(1)

    def backward(self, loss_of: Callable[[int], torch.Tensor]) -> float:
        """`loss_of` gets the shard's number and returns its share of the loss; returns the whole loss."""
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
