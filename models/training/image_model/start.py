"""Taking over the weights of an earlier pipeline where they fit: a run need not begin with noise.

Vocabulary and latents of the earlier pipeline may be smaller. What is new starts where it changes nothing: further
latent channels unread and unwritten, further words as the tokenizer's start left them.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from .networks import TextToLatents

log = logging.getLogger(__name__)
_EMBEDDING = "token_embedding.weight"


def take_over_autoencoder(model: AutoencoderKL, folder: Path | None) -> None:
    """Copies the autoencoder of `folder` if it is of the same shape; a bottleneck of another width is no start."""
    if folder is None:
        return
    earlier = AutoencoderKL.from_pretrained(folder / "vae", local_files_only=True).state_dict()
    own = model.state_dict()
    if all(name in own and own[name].shape == value.shape for name, value in earlier.items()):
        model.load_state_dict(earlier)
        log.info("autoencoder taken over from %s", folder)


def take_over_denoiser(model: TextToLatents, tokenizer: CLIPTokenizer, folder: Path | None) -> None:
    """Copies what fits of the text encoder and the denoiser of `folder`; words keep their embeddings by spelling."""
    if folder is None:
        return
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", local_files_only=True)
    earlier_words = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True).get_vocab()
    copied = _copy(model.unet, unet) + _copy(model.text, text)
    _copy_words(model.text, text, tokenizer.get_vocab(), earlier_words)
    log.info("%d tensors taken over from %s", copied, folder)


@torch.no_grad()
def _copy(model: nn.Module, earlier: nn.Module) -> int:
    """Copies tensors of equal rank into the corner they fill, the rest of which becomes zero; returns how many.

    Tensors that would have to be cut, or that differ in more than the first two axes, stay as they are.
    """
    own, copied = model.state_dict(), 0
    for name, value in earlier.state_dict().items():
        target = own.get(name)
        if target is None or name.endswith(_EMBEDDING) or not _fits(value, target):
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


@torch.no_grad()
def _copy_words(model: nn.Module, earlier: nn.Module, ids: dict[str, int], earlier_ids: dict[str, int]) -> None:
    own = next(value for name, value in model.state_dict().items() if name.endswith(_EMBEDDING))
    theirs = next(value for name, value in earlier.state_dict().items() if name.endswith(_EMBEDDING))
    if own.shape[1] != theirs.shape[1]:
        return
    for word, number in ids.items():
        if word in earlier_ids:
            own[number] = theirs[earlier_ids[word]]
