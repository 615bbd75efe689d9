"""Fine-tune the small network, with checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import random
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from .degrade import augment_crop
from .efficientnet import CutEfficientNet
from .pack import Pack, sample_weights

log = logging.getLogger(__name__)
SIZE, BATCH, RATE, DECAY, SMOOTHING = 128, 32, 8e-4, 0.02, 0.03
SAVE_EVERY = 50


def train(pack: Pack, steps: int, path: Path, device: torch.device) -> CutEfficientNet:
    """Train on every image and return the averaged weights; resumes from `path`."""
    torch.manual_seed(0)
    network = CutEfficientNet().to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch does it and declares it not
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    start = _resume(path, network, average, optimizer, device)
    weights = sample_weights(pack.fake, pack.group)
    losses: list[float] = []
    for step in range(start, steps):
        rng = random.Random(step)
        picked = np.random.default_rng(rng.getrandbits(32)).choice(len(pack), BATCH, p=weights / weights.sum())
        crops = torch.from_numpy(np.stack([augment_crop(pack.picture(i), SIZE, rng) for i in picked]))
        labels = torch.from_numpy(pack.fake[picked]).float()
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 25) * (0.5 + 0.5 * math.cos(math.pi * step / steps) + 0.01)
        losses.append(_step(network, optimizer, crops.to(device), labels.to(device)))
        _update_average(average, network, min(0.98, (1 + step) / (10 + step)))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            log.info("step %d: loss %.3f", step + 1, np.mean(losses[-SAVE_EVERY:]))
            _save(path, network, average, optimizer, step + 1)
    result: CutEfficientNet = average.eval()
    return result


def _step(
    network: CutEfficientNet, optimizer: torch.optim.Optimizer, crops: torch.Tensor, labels: torch.Tensor
) -> float:
    network.train()
    batch = crops.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    with torch.autocast(batch.device.type, torch.bfloat16):
        logits = network(batch)
    smooth = labels * (1 - 2 * SMOOTHING) + SMOOTHING
    loss = functional.binary_cross_entropy_with_logits(logits.float(), smooth)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def _update_average(average: CutEfficientNet, network: CutEfficientNet, decay: float) -> None:
    """Move the averaged weights and batch statistics towards the current ones."""
    for averaged, current in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if averaged.dtype.is_floating_point:
            averaged.lerp_(current, 1 - decay)
        else:
            averaged.copy_(current)


def _resume(
    path: Path,
    network: CutEfficientNet,
    average: CutEfficientNet,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _save(
    path: Path, network: CutEfficientNet, average: CutEfficientNet, optimizer: torch.optim.Optimizer, step: int
) -> None:
    state = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
