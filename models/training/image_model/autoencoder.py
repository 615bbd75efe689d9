"""The autoencoder: 256 x 256 pixels to 32 x 32 latents, trained on crops and whole frames (Kingma and Welling 2014;
Rombach et al. 2022)."""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F  # noqa: N812 (the name used everywhere)

from . import progress, warm_start
from .block_averages import start_as_block_averages
from .config import Recipe
from .networks import place

CELL = 16  # sprites are aligned to this grid (see `render`), and so are crops


def build(recipe: Recipe) -> AutoencoderKL:
    """The untrained model, initialised as a codec of block averages."""
    levels = len(recipe.autoencoder_channels)
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=recipe.autoencoder_channels,
        layers_per_block=1,
        latent_channels=recipe.latent_channels,
        norm_num_groups=recipe.norm_groups,
        sample_size=256,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    start_as_block_averages(model, recipe.latent_channels)
    return model


def train(recipe: Recipe, pictures: np.ndarray, device: torch.device) -> AutoencoderKL:
    """Train, resume or load the autoencoder, and return it frozen, with standardised latents."""
    path = recipe.out / "autoencoder.pt"
    torch.manual_seed(recipe.seed)
    model = build(recipe)
    warm_start.copy_autoencoder(model, recipe.start)
    place(model, device)
    optimizer = torch.optim.AdamW(
        model.parameters(), recipe.autoencoder_rate, betas=(0.9, 0.98), weight_decay=0, fused=True
    )
    budget, done = progress.resume(path, model, optimizer, recipe.autoencoder_minutes, recipe.autoencoder_steps)
    rng = np.random.default_rng([recipe.seed, budget.step])
    saved = time.monotonic()
    while budget.fraction < 1 and not done:
        _step(recipe, model, optimizer, budget, _batch(recipe, pictures, rng, budget.fraction, device))
        if time.monotonic() - saved > recipe.checkpoint_seconds:
            saved = time.monotonic()
            progress.checkpoint(path, model, optimizer, budget)
    if not done:
        standardise(model, pictures, device)
        progress.checkpoint(path, model, optimizer, budget, done=True)
    return model.eval().requires_grad_(False)


def to_tensor(pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """Convert uint8 (N, H, W, 3) to float32 (N, 3, H, W) in -1..1."""
    pixels = torch.from_numpy(np.array(pictures)).to(device)
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def reconstruction_psnr(model: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> float:
    """Mean peak signal-to-noise ratio in dB over the images, after encoding and decoding."""
    values = []
    for first in range(0, len(pictures), 8):
        x = to_tensor(pictures[first : first + 8], device)
        with torch.no_grad():
            y = model.decode(model.encode(x).latent_dist.mean).sample.clamp(-1, 1)
        values += [-10 * math.log10(float(e) / 4) for e in (x - y).square().mean((1, 2, 3))]
    return float(np.mean(values))


@torch.no_grad()
def encode_all(model: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """Posterior means of all images, float16 (N, C, 32, 32). bfloat16 halves the time on a CPU that supports it."""
    latents = []
    for first in range(0, len(pictures), 16):
        x = to_tensor(pictures[first : first + 16], device)
        with torch.autocast(device.type, torch.bfloat16):
            latents.append(model.encode(x).latent_dist.mean.half())
    return torch.cat(latents)


@torch.no_grad()
def standardise(model: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> None:
    """Give every latent channel mean 0 and deviation 1, by folding the change into the two 1 x 1 convolutions.

    The single `scaling_factor` of the pipeline would leave channels of unequal scale to the denoiser.
    """
    latents = encode_all(model, pictures[:512], device).float()
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    channels = len(mean)
    quant, post = model.quant_conv, model.post_quant_conv
    post.bias += post.weight[:, :, 0, 0] @ mean
    post.weight *= deviation[None, :, None, None]
    quant.weight[:channels] /= deviation[:, None, None, None]
    quant.bias[:channels] = (quant.bias[:channels] - mean) / deviation
    quant.bias[channels:] -= 2 * deviation.log()


def _batch(
    recipe: Recipe, pictures: np.ndarray, rng: np.random.Generator, fraction: float, device: torch.device
) -> torch.Tensor:
    """Crops on the grid of the sprites, or full frames; only frames towards the end.

    At inference group normalisation covers the full image, so crops alone would leave a colour shift.
    """
    if rng.random() < recipe.frame_share or fraction > recipe.frames_only_from:
        return to_tensor(pictures[rng.integers(recipe.scenes, size=recipe.frames_per_step)], device)
    cells = (pictures.shape[1] - recipe.crop) // CELL + 1
    crops = []
    for index in rng.integers(recipe.scenes, size=recipe.crops_per_step):
        top, left = CELL * rng.integers(cells, size=2)
        crops.append(pictures[index, top : top + recipe.crop, left : left + recipe.crop])
    return to_tensor(np.stack(crops), device)


def _step(
    recipe: Recipe,
    model: AutoencoderKL,
    optimizer: torch.optim.Optimizer,
    budget: progress.Budget,
    x: torch.Tensor,
) -> None:
    progress.set_rate(optimizer, progress.learning_rate(recipe.autoencoder_rate, budget.fraction, budget.step))
    with torch.autocast(x.device.type, torch.bfloat16):
        posterior = model.encode(x).latent_dist
        mean, logvar = posterior.mean.float(), posterior.logvar.float()
        y = model.decode(mean + (logvar / 2).exp() * torch.randn_like(mean)).sample.float()
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
    loss = pixel_loss(y, x) + recipe.squared_error * F.mse_loss(y, x) + recipe.kl_weight * kl
    progress.descend(loss, model, optimizer, budget)
    if budget.step % 50 == 0:
        psnr = -10 * math.log10(F.mse_loss(y.detach(), x).item() / 4)
        progress.note(recipe.out, "autoencoder", budget, loss=loss.item(), psnr=psnr, kl=kl.item())


def pixel_loss(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """L1 of the pixels and half the L1 of their gradients, at three scales: the gradients keep edges sharp."""
    total = torch.zeros((), device=x.device)
    for scale in (1, 2, 4):
        a, b = (y, x) if scale == 1 else (F.avg_pool2d(y, scale), F.avg_pool2d(x, scale))
        error = a - b
        total = total + error.abs().mean()
        total = total + 0.5 * (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean())
    return total
