"""Every hyperparameter of the recipe; the defaults are those of the shipped weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """Sizes, budgets and seeds. A stage ends when its minutes or its steps are used up, whichever is first."""

    sprites: Path
    out: Path
    seed: int = 20
    scenes: int = 12_000
    held_out: int = 64
    workers: int = 2
    shards: int = 2

    # Autoencoder: 256 x 256 x 3 pixels to 32 x 32 x 6 latents.
    autoencoder_minutes: float = 13.0
    autoencoder_steps: int = 60_000
    autoencoder_channels: tuple[int, ...] = (16, 24, 64, 128)
    latent_channels: int = 6
    norm_groups: int = 2
    crop: int = 128
    crops_per_step: int = 2
    frame_share: float = 0.1
    frames_only_from: float = 0.6
    autoencoder_rate: float = 4e-4
    kl_weight: float = 5e-4

    # Decoder alone, at the end.
    decoder_minutes: float = 1.0
    decoder_steps: int = 60_000
    decoder_rate: float = 4e-4
    decoder_noise: float = 0.15

    # Text encoder and denoiser.
    diffusion_minutes: float = 140.0
    diffusion_scenes: int = 12_000
    diffusion_steps: int = 60_000
    vocabulary_size: int = 1_000
    text_length: int = 32
    text_width: int = 128
    text_layers: int = 2
    unet_channels: tuple[int, ...] = (64, 96, 128, 176)
    attention_heads: int = 4
    batch: int = 16
    diffusion_rate: float = 6e-4
    weight_decay: float = 0.01
    caption_dropout: float = 0.1
    min_snr_gamma: float = 5.0
    object_gain: float = 3.0
    ema_decay: float = 0.998

    checkpoint_seconds: float = 180.0
    sheet_seconds: float = 600.0
