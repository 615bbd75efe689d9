"""Train text encoder and denoiser on cached latents, with v-prediction (Salimans and Ho 2022)."""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import nn
from transformers import CLIPTokenizer

from . import progress
from .attention_loss import AttentionLoss
from .brushes import SIZE
from .captions_batch import CaptionBatches
from .config import Recipe
from .networks import TRAIN_STEPS, TextToLatents, build_scheduler
from .one_step_estimates import OneStepEstimates
from .optimizer import MuonAndAdam
from .render import standing
from .scenes import Scene
from .sharding import ShardedGradients
from .vocabulary import PLAIN

FILE = "diffusion.pt"


def object_weights(scenes: list[Scene], sprites: Path, size: int, gain: float) -> torch.Tensor:
    """float16 (len(scenes), 1, size, size) with mean 1 for each scene: cells of objects weigh `gain` times the rest.

    Backgrounds are learnt in minutes, shapes are not; and two thirds of the cells are background.
    """
    weights = torch.ones(len(scenes), 1, size, size)
    for weight, scene in zip(weights, scenes, strict=True):
        for placed in standing(scene, sprites):
            left, top, right, bottom = (max(0, side * size // SIZE) for side in placed.box)
            weight[:, top:bottom, left:right] = gain
    return (weights / weights.mean((1, 2, 3), keepdim=True)).half()


def scene_weights(scenes: list[Scene], recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """Sampling weights in the simple part of the stage, and in the rest: float32 (len(scenes),) each."""
    simple = [len(one.things) == 1 and one.count == 1 and one.style == PLAIN for one in scenes]
    first = _group_weights(["simple" if one else "other" for one in simple], {"simple": recipe.simple_share})
    groups = ["pair" if len(one.things) > 1 else "several" if one.count > 1 else "other" for one in scenes]
    return first, _group_weights(groups, {"pair": recipe.pair_share, "several": recipe.several_share})


def _group_weights(groups: list[str], shares: dict[str, float]) -> torch.Tensor:
    """Weights such that the members of a group together have its share, and "other" the remainder."""
    shares, members = {**shares, "other": 1 - sum(shares.values())}, Counter(groups)
    return torch.tensor([shares[group] / members[group] for group in groups])


class DiffusionTraining:
    """The state of the stage: weights, their moving average (which is shipped), optimizer and budget."""

    def __init__(
        self,
        recipe: Recipe,
        model: TextToLatents,
        tokenizer: CLIPTokenizer,
        scenes: list[Scene],
        device: torch.device,
    ) -> None:
        self._recipe, self._device = recipe, device
        self._path = recipe.out / FILE
        self.model = model
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        shards = recipe.shards if device.type == "cpu" else 1
        self._optimizer = MuonAndAdam(self.model, recipe.diffusion_rate, recipe.weight_decay, shards)
        self.budget = self._resume()
        torch.manual_seed(recipe.seed + self.budget.step)
        self._scenes = scenes
        rng = random.Random(f"{recipe.seed}/{self.budget.step}")
        self._captions = CaptionBatches(recipe, tokenizer, self._scenes, rng)
        self._simple_first, self._pairs_then = scene_weights(self._scenes, recipe)
        self._signal = build_scheduler().alphas_cumprod.to(device)
        self._attention_loss = AttentionLoss(self.model.unet, recipe.layout_side)
        self._gradients = ShardedGradients(self.model.parameters(), shards)

    def run(
        self, latents: torch.Tensor, cells: torch.Tensor, on_checkpoint: Callable[[TextToLatents], None]
    ) -> TextToLatents:
        """Train on `latents` (N, C, 32, 32) with cell weights `cells` (N, 1, 32, 32) until the budget is used up.

        Returns the averaged weights. `on_checkpoint` receives them from time to time, for inspection.
        """
        losses: list[float] = []
        latents, cells = latents.to(self._device), cells.to(self._device)
        saved = shown = time.monotonic()
        with ThreadPoolExecutor(1) as ahead:  # the captions of the next step are prepared during this one
            coming = ahead.submit(self._choose, len(latents))
            while self.budget.fraction < 1:
                indices, ids = (tensor.to(self._device) for tensor in coming.result())
                coming = ahead.submit(self._choose, len(latents))
                losses.append(self._step(latents[indices].float(), ids, cells[indices].float()))
                if self.budget.step % 50 == 0:
                    progress.note(
                        self._recipe.out, "diffusion", self.budget, loss=sum(losses[-50:]) / len(losses[-50:])
                    )
                if time.monotonic() - saved > self._recipe.checkpoint_seconds:
                    saved = time.monotonic()
                    self._save()
                if time.monotonic() - shown > self._recipe.sheet_seconds:
                    shown = time.monotonic()
                    on_checkpoint(self.average)
        self._save()
        return self.average

    def estimates(self) -> OneStepEstimates:
        """One-step estimates of the training scenes by the averaged weights."""
        return OneStepEstimates(self.average, self._captions, self._device)

    def _choose(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices of the scenes of one step (B,) and token ids of new captions for them (B, L), both int64."""
        batch = self._recipe.batch
        simple = self.budget.fraction < self._recipe.simple_until
        weights = self._simple_first if simple else self._pairs_then
        indices = torch.multinomial(weights[:count], batch, replacement=True)
        return indices, self._captions.ids(indices.tolist())

    def _step(self, clean: torch.Tensor, ids: torch.Tensor, cells: torch.Tensor) -> float:
        """One update on clean latents (B, C, 32, 32), token ids (B, L) and cell weights (B, 1, 32, 32).

        Returns the weighted loss.
        """
        recipe, budget = self._recipe, self.budget
        progress.set_rate(self._optimizer, progress.learning_rate(recipe.diffusion_rate, budget.fraction, budget.step))
        times = _stratified_times(len(clean), recipe.noisy_first * (1 - budget.fraction)).to(clean.device)
        alpha = self._signal[times].sqrt().view(-1, 1, 1, 1)
        sigma = (1 - self._signal[times]).sqrt().view(-1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy, velocity = alpha * clean + sigma * noise, alpha * noise - sigma * clean
        weights = _weights(self._signal[times], recipe.min_snr_gamma) / len(clean)
        attention = recipe.look_weight * (1.0 if budget.fraction < recipe.look_until else 0.2)

        def loss_of(shard: int) -> torch.Tensor:
            part = slice(shard, None, self._gradients.shards)
            # The cache of converted weights is shared between threads, and each weight is only used once.
            with torch.autocast(clean.device.type, torch.bfloat16, cache_enabled=False):
                predicted = self.model(noisy[part], times[part], ids[part])
            errors = (predicted.float() - velocity[part]).square() * cells[part]
            denoising = (weights[part] * errors.mean((1, 2, 3))).sum()
            result: torch.Tensor = denoising + attention * self._attention_loss.loss() / self._gradients.shards
            return result

        loss = self._gradients.backward(loss_of)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        budget.step += 1
        _update_average(self.average, self.model, min(recipe.ema_decay, (1 + budget.step) / (20 + budget.step)))
        return loss

    def _resume(self) -> progress.Budget:
        state = progress.load(self._path, self._device) or {"spent": 0.0, "step": 0}
        if state["step"]:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
        return progress.Budget(
            self._recipe.diffusion_minutes, self._recipe.diffusion_steps, state["spent"], state["step"]
        )

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "spent": self.budget.seconds,
            "step": self.budget.step,
        }
        progress.save(self._path, state)


def _stratified_times(count: int, bias: float = 0.0) -> torch.Tensor:
    """int64 (count,) in 0..999, one from each of `count` intervals: less variance than independent samples.

    With a `bias` of b > 0 the density of time t grows like t to the b. Where noise hides the image, only the text is
    left, and what it says about shapes is the last thing to be learnt.
    """
    share = ((torch.arange(count) + torch.rand(count)) / count) ** (1 / (1 + bias))
    return (share * TRAIN_STEPS).long().clamp_(max=TRAIN_STEPS - 1)


def _weights(signal: torch.Tensor, gamma: float) -> torch.Tensor:
    """Min-SNR weights (Hang et al. 2023) in terms of SNR + 1, the natural weight of v-prediction.

    The published form falls to zero with the signal, at the very steps that decide layout and colour.
    """
    snr_plus_one = 1 / (1 - signal).clamp_min(1e-6)
    return snr_plus_one.clamp(max=gamma + 1) / snr_plus_one


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights towards the current ones."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
