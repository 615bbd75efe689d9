"""The training data: images, labels, sources, and folds."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# Entire generators and entire real sources are held out. Sources from one repository share a fold, so that the way a
# repository saves images cannot be a cue. All faces share one fold: with real faces held out but synthetic ones not,
# "face" would mean "synthetic" (measured: 29 % of the real faces flagged, AUROC .835 instead of .856).
FOLDS: tuple[frozenset[str], ...] = (
    frozenset({"aihorde-styles", "bsds500", "wesnoth-art", "ukui-wallpapers", "plasma-wallpapers"}),
    frozenset({"dcsan-2022", "dogcat", "raccoon", "openclipart", "freeorion-art"}),
    frozenset({"midjourney-profiles", "midjourney-shoes", "imagenet-sample", "shoes-real", "paintings-normandm"}),
    frozenset({"sd15-supagruen", "urban100-sunhays80", "jabref-docs", "memegen"})
    | frozenset({"blenderproc", "raytracing-weekend", "leptonica-prog"}),
    frozenset({"sd21-sdfd", "stylegan2-tpdne", "sfhq-stylegan2", "sfhq-t2i-sdxl"})
    | frozenset({"ffhq-realorfake", "plotnine-charts", "lordsawar-art"}),
)


@dataclass(frozen=True)
class Pack:
    """N images. `fake`: 0 or 1. `photo`: is or looks like a photograph. `fold`: 0..4, where it is held out."""

    folder: Path
    files: tuple[str, ...]
    source: NDArray[np.str_]
    fake: NDArray[np.int64]
    photo: NDArray[np.bool_]
    fold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.files)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Load an image as RGB (uint8, S x S x 3)."""
        bgr = cv2.imread(str(self.folder / self.files[index]), cv2.IMREAD_COLOR)
        if bgr is None:
            raise FileNotFoundError(self.folder / self.files[index])
        return np.ascontiguousarray(bgr[..., ::-1])


def load(folder: Path) -> Pack:
    """Read `manifest.csv`. Raises ValueError if a source is not assigned to a fold."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = np.array([row["generator_or_source_family"] for row in rows])
    fold_of = {name: number for number, names in enumerate(FOLDS) for name in names}
    if unassigned := set(source) - set(fold_of):
        raise ValueError(f"sources without a fold: {', '.join(sorted(unassigned))}")
    fold = np.array([fold_of[name] for name in source])
    return Pack(
        folder=folder,
        files=tuple(row["file"] for row in rows),
        source=source,
        fake=np.array([int(row["label"] == "fake") for row in rows]),
        photo=np.array([row["photoreal"] == "1" for row in rows]),
        fold=fold,
    )


def sample_weights(fake: NDArray[np.int64], source: NDArray[np.str_], power: float = 0.5) -> NDArray[np.float64]:
    """Weights of mean 1: both classes weigh the same, and within a class a source of n images weighs n ** power."""
    weights = np.zeros(len(fake))
    for label in (0, 1):
        chosen = fake == label
        _, inverse, counts = np.unique(source[chosen], return_inverse=True, return_counts=True)
        share = (counts ** (power - 1.0))[inverse]
        weights[chosen] = share / share.sum()
    return weights * len(fake) / 2
