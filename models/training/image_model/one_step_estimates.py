"""Latents with the denoiser's own errors, together with their true images, to train the decoder on.

A sampled latent has no true image. But if moderate noise is added to a known latent and the denoiser estimates it in
one step from the caption, the estimate has the denoiser's typical error and still belongs to its image.
"""

from __future__ import annotations

import torch

from .captions_batch import CaptionBatches
from .networks import TextToLatents, build_scheduler

NOISIEST = 380
"""Of 1000 steps. With more noise the estimate may show something else, and the decoder would learn to blur."""


class OneStepEstimates:
    """One-step estimates of a trained denoiser."""

    def __init__(self, model: TextToLatents, captions: CaptionBatches, device: torch.device) -> None:
        self._model, self._captions, self._device = model, captions, device
        self._signal = build_scheduler().alphas_cumprod.to(device)

    @torch.no_grad()
    def estimate(self, clean: torch.Tensor, indices: list[int]) -> torch.Tensor:
        """Estimates (B, C, 32, 32) of `clean`, the latents of the scenes `indices`, each from its own noise."""
        times = torch.randint(1, NOISIEST, (len(clean),), device=self._device)
        signal = self._signal[times].view(-1, 1, 1, 1)
        alpha, sigma = signal.sqrt(), (1 - signal).sqrt()
        noisy = alpha * clean + sigma * torch.randn_like(clean)
        with torch.autocast(self._device.type, torch.bfloat16):
            velocity = self._model(noisy, times, self._captions.ids(indices).to(self._device))
        result: torch.Tensor = alpha * noisy - sigma * velocity.float()
        return result
