"""The judge: a small classifier of the facts of an image, trained on the renderer's images.

It recognises which objects an image shows, in what arrangement, setting, time of day, weather, colour and style.
`evaluate` applies it to generated images of held-out combinations, and to the renderer's images of the same scenes.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the name used everywhere)

from . import progress
from .objects import OBJECTS
from .optimizer import MuonAndAdam
from .scenes import ARRANGEMENTS, Scene
from .vocabulary import COLOURS, OBJECT_COLOURS, PLACES, STUDIO, STYLES, TIMES, WEATHERS

log = logging.getLogger(__name__)
SIDE = 128
"""Side in pixels to which images are reduced."""
CELLS = SIDE // 16
NOTHING = "-"
HEADS: dict[str, tuple[str, ...]] = {
    "first": (NOTHING, *OBJECTS),
    "second": (NOTHING, *OBJECTS),
    "colour": (NOTHING, *OBJECT_COLOURS),
    "setting": (STUDIO, *PLACES),
    "backdrop": (NOTHING, *COLOURS),
    "time": tuple(TIMES),
    "weather": tuple(WEATHERS),
    "style": tuple(STYLES),
    "arrangement": ARRANGEMENTS,
}
"""The classes of each head. "first" is the left, upper or rear one of two; "colour" is that of the first."""


def facts(scene: Scene) -> dict[str, str | None]:
    """The correct class of each head of `HEADS`; None if the image does not show it."""
    first = scene.things[0] if scene.things else None
    second = scene.things[1] if len(scene.things) > 1 else None
    return {
        "first": first.kind if first else NOTHING,
        "second": second.kind if second else NOTHING,
        "colour": None if first is None or scene.style == "sketch" else first.colour or NOTHING,
        "setting": scene.setting,
        "backdrop": None if scene.style == "sketch" else scene.backdrop or NOTHING,
        "time": None if scene.backdrop else scene.time,
        "weather": scene.weather,
        "style": scene.style,
        "arrangement": scene.arrangement,
    }


OBJECT_HEADS = ("first", "second", "colour")
"""Heads on attended cells; the others are on the entire image."""


class Judge(nn.Module):
    """Convolutions down to 8 x 8 cells, attention to each of two objects, and linear heads.

    Objects are classified from the attended cells, independently of their position: classified from all cells in their
    positions, as in the first version, they would have to be learnt again for every position.
    """

    def __init__(self, channels: tuple[int, ...] = (24, 48, 96, 160), hidden: int = 384) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *channels[:-1]), channels, strict=True):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.SiLU(), _Residual(after)]
        self.trunk = nn.Sequential(*layers)
        self.whole = nn.Sequential(
            nn.Conv2d(channels[-1], 48, 1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * CELLS**2, hidden), nn.SiLU()
        )
        self.places = nn.Parameter(torch.zeros(1, channels[-1], CELLS, CELLS))
        self.context = nn.Linear(hidden, channels[-1])
        self.looks = nn.Conv2d(channels[-1], 2, 1)
        self.name = nn.Sequential(nn.Linear(channels[-1], hidden), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, len(answers)) for name, answers in HEADS.items()})
        self.heads["second"] = self.heads["first"]  # an object has the same name in either place

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits of each head, (B, classes), for `pixels` (B, 3, SIDE, SIDE) in -1..1."""
        cells = self.trunk(pixels)
        whole = self.whole(cells)
        where = self.looks(cells + self.places + self.context(whole)[..., None, None]).flatten(2).softmax(-1)
        first, second = self.name(torch.einsum("bln,bcn->blc", where, cells.flatten(2))).unbind(1)
        seen = {"first": first, "colour": first, "second": second}
        return {name: head(seen.get(name, whole)) for name, head in self.heads.items()}


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), nn.GroupNorm(8, channels), nn.SiLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = x + self.body(x)
        return result


def train(path: Path, pictures: np.ndarray, scenes: list[Scene], minutes: float, device: torch.device) -> Judge:
    """Train, resume or load the judge on images uint8 (N, 256, 256, 3) of `scenes`; the checkpoint is `path`."""
    torch.manual_seed(0)
    model = Judge().to(device)
    optimizer = MuonAndAdam(model, 1e-3, weight_decay=0.05, threads=1)
    budget, _ = progress.resume(path, model, optimizer, minutes, 100_000)
    rng = np.random.default_rng(budget.step)
    answers = {name: targets.to(device) for name, targets in targets_of(scenes).items()}
    batch, saved = 256 if device.type == "cuda" else 32, time.monotonic()
    while budget.fraction < 1:
        progress.set_rate(optimizer, progress.learning_rate(1e-3, budget.fraction, budget.step, hold=0.3))
        chosen = rng.integers(len(scenes), size=batch)
        loss = _loss(model, _augmented(shrink(pictures[chosen], device)), answers, torch.from_numpy(chosen).to(device))
        progress.descend(loss, model, optimizer, budget)
        if budget.step % 100 == 0:
            progress.note(path.parent, "judge", budget, loss=loss.item())
        if time.monotonic() - saved > 120 or budget.fraction >= 1:
            saved = time.monotonic()
            progress.checkpoint(path, model, optimizer, budget)
    return model.eval().requires_grad_(False)


def targets_of(scenes: list[Scene]) -> dict[str, torch.Tensor]:
    """int64 (N,) for each head: the index of the correct class, or -1 if there is none."""
    labels = [facts(scene) for scene in scenes]
    return {
        name: torch.tensor([-1 if one[name] is None else answers.index(one[name]) for one in labels])
        for name, answers in HEADS.items()
    }


@torch.no_grad()
def read(model: Judge, pictures: np.ndarray, device: torch.device) -> list[dict[str, str]]:
    """The most probable class of every head for each image, uint8 (N, 256, 256, 3)."""
    found: list[dict[str, str]] = []
    for first in range(0, len(pictures), 64):
        logits = model(shrink(pictures[first : first + 64], device))
        best = {name: values.argmax(1).tolist() for name, values in logits.items()}
        count = len(pictures[first : first + 64])
        found += [{name: HEADS[name][numbers[i]] for name, numbers in best.items()} for i in range(count)]
    return found


def shrink(pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """uint8 (N, 256, 256, 3) to float32 (N, 3, SIDE, SIDE) in -1..1, by averaging."""
    pixels = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2).float()
    return F.avg_pool2d(pixels, pixels.shape[-1] // SIDE) / 127.5 - 1


def _loss(model: Judge, pixels: torch.Tensor, answers: dict[str, torch.Tensor], chosen: torch.Tensor) -> torch.Tensor:
    with torch.autocast(pixels.device.type, torch.bfloat16):
        logits = model(pixels)
    losses = [
        (2 if name in OBJECT_HEADS else 1)
        * F.cross_entropy(values.float(), answers[name][chosen], ignore_index=-1, label_smoothing=0.02)
        for name, values in logits.items()
    ]
    return torch.stack(losses).sum()


def _augmented(pixels: torch.Tensor) -> torch.Tensor:
    """Shift, blur and dim a batch: generated images are softer than rendered ones and never exactly aligned."""
    left, top = (int(torch.randint(0, 13, ())) for _ in range(2))
    side = pixels.shape[-1]
    pixels = F.pad(pixels, (6, 6, 6, 6), mode="replicate")[..., top : top + side, left : left + side]
    if torch.rand(()) < 0.5:
        pixels = F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, 1)
    gain = 1 + 0.1 * torch.randn(len(pixels), 1, 1, 1, device=pixels.device).clamp(-2, 2)
    noise = 0.1 * math.sqrt(float(torch.rand(()))) * torch.randn_like(pixels)
    return (pixels * gain + noise).clamp(-1, 1)
