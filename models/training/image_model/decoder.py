"""The last stage: the decoder alone goes on learning, from cached latents with a little noise.

The latents stay as the denoiser knows them, so that this can follow its training. The noise stands for the
denoiser's small errors, which a decoder that has only seen exact latents turns into visible blemishes.
"""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
from diffusers import AutoencoderKL

from . import progress
from .autoencoder import pixel_loss, to_tensor
from .config import Recipe
from .sharding import ShardedGradients

log = logging.getLogger(__name__)


def train(
    recipe: Recipe, model: AutoencoderKL, pictures: np.ndarray, latents: torch.Tensor, device: torch.device
) -> None:
    """Trains (or resumes) the decoder of `model` in place on `latents` (N, C, 32, 32) of the first N pictures."""
    path = recipe.out / "decoder.pt"
    parts = torch.nn.ModuleList([model.post_quant_conv, model.decoder]).requires_grad_(True)
    optimizer = torch.optim.AdamW(parts.parameters(), recipe.decoder_rate, betas=(0.9, 0.98), weight_decay=0)
    budget, _ = progress.resume(path, parts, optimizer, recipe.decoder_minutes, recipe.decoder_steps)
    rng = np.random.default_rng([recipe.seed, budget.step])
    torch.manual_seed(recipe.seed + budget.step)
    gradients = ShardedGradients(parts.parameters(), recipe.shards if device.type == "cpu" else 1)
    saved = time.monotonic()
    while budget.fraction < 1:
        batches = [_batch(recipe, pictures, latents, rng, device) for _ in range(gradients.shards)]
        progress.set_rate(optimizer, progress.learning_rate(recipe.decoder_rate, budget.fraction, budget.step))
        loss = gradients.backward(lambda shard: _loss(model, *batches[shard]) / gradients.shards)  # noqa: B023
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
        budget.step += 1
        if budget.step % 50 == 0:
            log.info("decoder step %d, %.0f s: loss %.4f", budget.step, budget.seconds, loss)
        if time.monotonic() - saved > recipe.checkpoint_seconds or budget.fraction >= 1:
            saved = time.monotonic()
            progress.checkpoint(path, parts, optimizer, budget)
    parts.requires_grad_(False)


def _loss(model: AutoencoderKL, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return pixel_loss(model.decode(z).sample, x)


def _batch(
    recipe: Recipe,
    pictures: np.ndarray,
    latents: torch.Tensor,
    rng: np.random.Generator,
    device: torch.device,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One whole frame, pixels (1, 3, 256, 256) and noisy latents: group normalisation sees frames at inference."""
    index = int(rng.integers(len(latents)))
    clean = latents[index : index + 1].to(device).float()
    noisy = clean + recipe.decoder_noise * float(rng.random()) * torch.randn_like(clean)
    return to_tensor(pictures[index : index + 1], device), noisy
