"""Shared by the training stages: a budget that survives interruptions, its learning rate, and checkpoints."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any, Protocol

import torch

log = logging.getLogger(__name__)
CURVES = "curves.jsonl"


class Stepping(Protocol):
    """The interface of an optimizer."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...
    def zero_grad(self) -> None: ...
    def step(self) -> object: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any], /) -> None: ...


class Budget:
    """Minutes and steps of one stage, including those before it was resumed."""

    def __init__(self, minutes: float, steps: int, spent: float = 0.0, step: int = 0) -> None:
        self._limit, self._steps = minutes * 60, steps
        self._start = time.monotonic() - spent
        self.step = step

    @property
    def seconds(self) -> float:
        """Training time so far, including earlier runs."""
        return time.monotonic() - self._start

    @property
    def fraction(self) -> float:
        """Share of the budget that is used, 0..1."""
        return min(1.0, max(self.seconds / self._limit, self.step / self._steps))


def learning_rate(peak: float, fraction: float, step: int, warmup: int = 60, hold: float = 0.4) -> float:
    """Linear warm-up, constant until `hold` of the budget, then linear down to 2 % of the peak."""
    decay = 1.0 if fraction < hold else max(0.02, (1 - fraction) / (1 - hold))
    return peak * min(1.0, (step + 1) / warmup) * decay


def set_rate(optimizer: Stepping, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(loss: torch.Tensor, model: torch.nn.Module, optimizer: Stepping, budget: Budget) -> None:
    """Update `model` once from `loss`, with the gradient norm clipped to 1; counts as a step of the budget."""
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    budget.step += 1


def note(folder: Path, stage: str, budget: Budget, **values: float) -> None:
    """Log the progress of a stage and append a line to the run's curves."""
    rounded = {name: round(value, 4) for name, value in values.items()}
    log.info("%s step %d, %.0f s: %s", stage, budget.step, budget.seconds, rounded)
    line = {"stage": stage, "step": budget.step, "seconds": round(budget.seconds), **rounded}
    with (folder / CURVES).open("a") as file:
        file.write(json.dumps(line) + "\n")


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint atomically."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def checkpoint(path: Path, model: torch.nn.Module, optimizer: Stepping, budget: Budget, *, done: bool = False) -> None:
    """Save a stage for `resume`."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    save(path, {**state, "spent": budget.seconds, "step": budget.step, "done": done})


def resume(path: Path, model: torch.nn.Module, optimizer: Stepping, minutes: float, steps: int) -> tuple[Budget, bool]:
    """Load a stage in place, if there is a checkpoint; return its budget, and whether it is finished."""
    state = load(path, next(model.parameters()).device) or {"spent": 0.0, "step": 0}
    if state["step"]:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    return Budget(minutes, steps, state["spent"], state["step"]), bool(state.get("done"))


def load(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint at `path`, or None."""
    return torch.load(path, map_location=device, weights_only=True) if path.exists() else None
