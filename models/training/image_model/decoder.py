"""The last stage: train only the decoder, on the denoiser's estimates of latents.

The latent space does not change, so this can follow the denoiser's training. A decoder that has only seen exact latents
turns the denoiser's small errors into visible artefacts. Some of the batches therefore have these errors, and the rest
a little noise.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F  # noqa: N812 (the name used everywhere)

from . import progress
from .autoencoder import pixel_loss, to_tensor
from .config import Recipe
from .one_step_estimates import OneStepEstimates
from .sharding import ShardedGradients


def train(
    recipe: Recipe,
    model: AutoencoderKL,
    pictures: np.ndarray,
    latents: torch.Tensor,
    estimates: OneStepEstimates,
    device: torch.device,
) -> None:
    """Train or resume the decoder of `model` in place, on `latents` (N, C, 32, 32) of the first N images."""
    path = recipe.out / "decoder.pt"
    parts = torch.nn.ModuleList([model.post_quant_conv, model.decoder]).requires_grad_(True)
    optimizer = torch.optim.AdamW(parts.parameters(), recipe.decoder_rate, betas=(0.9, 0.98), weight_decay=0)
    budget, _ = progress.resume(path, parts, optimizer, recipe.decoder_minutes, recipe.decoder_steps)
    rng = np.random.default_rng([recipe.seed, budget.step])
    torch.manual_seed(recipe.seed + budget.step)
    gradients = ShardedGradients(parts.parameters(), recipe.shards if device.type == "cpu" else 1)
    saved = time.monotonic()
    while budget.fraction < 1:
        batches = [_batch(recipe, pictures, latents, estimates, rng, device) for _ in range(gradients.shards)]
        progress.set_rate(optimizer, progress.learning_rate(recipe.decoder_rate, budget.fraction, budget.step))
        loss = gradients.backward(lambda shard: _loss(recipe, model, *batches[shard]) / gradients.shards)  # noqa: B023
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
        budget.step += 1
        if budget.step % 50 == 0:
            progress.note(recipe.out, "decoder", budget, loss=loss)
        if time.monotonic() - saved > recipe.checkpoint_seconds or budget.fraction >= 1:
            saved = time.monotonic()
            progress.checkpoint(path, parts, optimizer, budget)
    parts.requires_grad_(False)


def _loss(recipe: Recipe, model: AutoencoderKL, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
        y = model.decode(z).sample.float()
    return pixel_loss(y, x) + recipe.squared_error * F.mse_loss(y, x)


def _batch(
    recipe: Recipe,
    pictures: np.ndarray,
    latents: torch.Tensor,
    estimates: OneStepEstimates,
    rng: np.random.Generator,
    device: torch.device,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels (B, 3, 256, 256) and latents of full frames, because group normalisation sees frames at inference."""
    chosen = rng.integers(len(latents), size=recipe.frames_per_step)
    clean = latents[torch.from_numpy(chosen).to(latents.device)].to(device).float()
    if rng.random() < recipe.decoder_guesses:
        return to_tensor(pictures[chosen], device), estimates.estimate(clean, chosen.tolist())
    noisy = clean + recipe.decoder_noise * float(rng.random()) * torch.randn_like(clean)
    return to_tensor(pictures[chosen], device), noisy
