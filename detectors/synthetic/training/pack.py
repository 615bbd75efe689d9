"""The training pack: pictures, labels, sources, and which of them are held out together."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# Whole generators and whole real sources are held out together; sources that share a repository share a fold, so that
# a repository's way of saving cannot be the cue. All faces share one: with real faces held out and synthetic ones not,
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
    """N pictures. `fake` is 0 or 1, `photo` whether it is a photograph or looks like one.

    `fold` in 0..4 says with which others a picture is held out.
    """

    folder: Path
    files: tuple[str, ...]
    source: NDArray[np.str_]
    fake: NDArray[np.int64]
    photo: NDArray[np.bool_]
    fold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.files)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """RGB (uint8, S x S x 3)."""
        bgr = cv2.imread(str(self.folder / self.files[index]), cv2.IMREAD_COLOR)
        if bgr is None:
            raise FileNotFoundError(self.folder / self.files[index])
        return np.ascontiguousarray(bgr[..., ::-1])


def load(folder: Path) -> Pack:
    """Read `manifest.csv`. Raises ValueError for a source that is in no fold."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = np.array([row["generator_or_source_family"] for row in rows])
    fold_of = {name: number for number, names in enumerate(FOLDS) for name in names}
    if strangers := set(source) - set(fold_of):
        raise ValueError(f"sources without a fold: {', '.join(sorted(strangers))}")
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
    """Mean 1; both classes weigh the same, and inside a class a source of n pictures weighs n ** power."""
    weights = np.zeros(len(fake))
    for label in (0, 1):
        chosen = fake == label
        _, inverse, counts = np.unique(source[chosen], return_inverse=True, return_counts=True)
        share = (counts ** (power - 1.0))[inverse]
        weights[chosen] = share / share.sum()
    return weights * len(fake) / 2
