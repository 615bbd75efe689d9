"""Every hyperparameter of the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """Sizes, budgets and seeds. A stage ends when its minutes or its steps are used up, whichever comes first.

    The defaults are for one core of a server CPU. `GPU` overrides the batch sizes, rates and numbers of scenes.
    """

    sprites: Path
    out: Path
    start: Path | None = None
    """A pipeline folder to copy weights from, where they fit."""
    seed: int = 20
    scenes: int = 6_000
    further: int = 16_000
    """Additional scenes, most of them with two or more objects; see `corpus.scenes`."""
    held_out: int = 64
    workers: int = 1
    shards: int = 1

    # Autoencoder: 256 x 256 x 3 pixels to 32 x 32 x 8 latents.
    autoencoder_minutes: float = 40.0
    autoencoder_steps: int = 60_000
    autoencoder_channels: tuple[int, ...] = (16, 24, 64, 128)
    latent_channels: int = 8
    norm_groups: int = 2
    crop: int = 128
    crops_per_step: int = 2
    frames_per_step: int = 1
    frame_share: float = 0.4
    frames_only_from: float = 0.7
    autoencoder_rate: float = 3e-4
    squared_error: float = 2.0
    kl_weight: float = 2e-4

    # Decoder only, at the end.
    decoder_minutes: float = 15.0
    decoder_steps: int = 60_000
    decoder_rate: float = 3e-4
    decoder_guesses: float = 0.65
    """Share of the batches that are estimates of the denoiser; see `one_step_estimates`."""
    decoder_noise: float = 0.1

    # Text encoder only, see `text_pretraining`.
    reading_minutes: float = 5.0
    reading_steps: int = 20_000
    reading_batch: int = 64
    reading_rate: float = 3e-3

    # Text encoder and denoiser.
    diffusion_minutes: float = 300.0
    diffusion_steps: int = 200_000
    vocabulary_size: int = 2_400
    vocabulary_captions: int = 8_000
    """Captions that the vocabulary is learnt from."""
    caption_length: int = 40
    """Largest number of tokens of a caption, including start and end tokens."""
    layout_side: int = 8
    """Cells per side of the layout, each a position of the text encoder after the caption; see `layout`. 8 or 16: the
    side of the finest layer with attention, or twice that."""
    text_width: int = 128
    text_layers: int = 4
    unet_channels: tuple[int, ...] = (64, 96, 128, 176)
    attention_heads: int = 4
    batch: int = 16
    diffusion_rate: float = 6e-4
    weight_decay: float = 0.01
    caption_dropout: float = 0.1
    min_snr_gamma: float = 5.0
    object_gain: float = 3.0
    noisy_first: float = 0.7
    """Preference for noisy timesteps at the start of the stage; it decreases to none at the end."""
    simple_until: float = 0.35
    simple_share: float = 0.67
    """Share of the stage that prefers scenes of one object in the plain style, and the share of such scenes in it."""
    pair_share: float = 0.45
    several_share: float = 0.22
    """Shares of scenes with two objects, and with several of one, in the rest of the stage."""
    look_weight: float = 0.03
    look_until: float = 0.07
    """Weight of `attention_loss`, and the share of the stage after which it falls to a fifth."""
    ema_decay: float = 0.998

    checkpoint_seconds: float = 180.0
    sheet_seconds: float = 600.0

    @property
    def training(self) -> int:
        """Number of training scenes."""
        return self.scenes + self.further

    @property
    def text_length(self) -> int:
        """Positions of the text encoder: those of the caption and the layout."""
        return self.caption_length + self.layout_side**2


GPU: dict[str, object] = {
    "scenes": 24_000,
    "further": 24_000,
    "workers": 16,
    "autoencoder_minutes": 5.0,
    "crops_per_step": 48,
    "frames_per_step": 12,
    "autoencoder_rate": 6e-4,
    "decoder_minutes": 2.0,
    "reading_minutes": 1.0,
    "reading_batch": 512,
    "diffusion_minutes": 13.0,
    "unet_channels": (96, 128, 176, 224),
    "batch": 384,
    "diffusion_rate": 9e-4,
    "ema_decay": 0.999,
    "checkpoint_seconds": 60.0,
    "sheet_seconds": 240.0,
}
"""Chosen for one large GPU and half an hour in total; not measured yet."""
