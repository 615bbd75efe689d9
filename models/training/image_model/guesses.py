"""Latents as the denoiser leaves them: what the decoder meets in use, with the true picture to each.

A sampled latent has no true picture. But a known latent under a moderate noise, which the denoiser then guesses in
one step with the caption's help, comes back with the denoiser's own kind of error and still is of its picture.
"""

from __future__ import annotations

import torch

from .captions_batch import CaptionBatches
from .networks import TextToLatents, build_scheduler

NOISIEST = 380
"""Of 1000 steps. Beyond it the guess may show other things than the picture, and the decoder would learn to blur."""


class Guesses:
    """One-step guesses of a trained denoiser."""

    def __init__(self, model: TextToLatents, captions: CaptionBatches, device: torch.device) -> None:
        self._model, self._captions, self._device = model, captions, device
        self._signal = build_scheduler().alphas_cumprod.to(device)

    @torch.no_grad()
    def of(self, clean: torch.Tensor, indices: list[int]) -> torch.Tensor:
        """Guesses like `clean` (B, C, 32, 32), the latents of the scenes `indices`, each from noise of its own."""
        times = torch.randint(1, NOISIEST, (len(clean),), device=self._device)
        signal = self._signal[times].view(-1, 1, 1, 1)
        alpha, sigma = signal.sqrt(), (1 - signal).sqrt()
        noisy = alpha * clean + sigma * torch.randn_like(clean)
        with torch.autocast(self._device.type, torch.bfloat16):
            velocity = self._model(noisy, times, self._captions.ids(indices).to(self._device))
        result: torch.Tensor = alpha * noisy - sigma * velocity.float()
        return result
