"""Whether families of generators can be told apart. They cannot well enough: the detector names none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from . import tables
from .heads import Table
from .leave_out import Scaling, halves, kernel_of, solve
from .pack import NAMES, Pack, sample_weights

_UNET = ("Stable Diffusion 1-2, XL", "DALL-E / Imagen 2022")
_TRANSFORMER = ("Stable Diffusion 3", "FLUX", "video models")
_ASSISTANT, _GAN = ("GPT image", "Nano Banana / Gemini"), ("StyleGAN", "CLIP-guided GANs")
_OTHER = ("Midjourney", "other")
SETS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "architecture": {"U-Net": _UNET, "diffusion transformer": _TRANSFORMER, "GPT or Gemini": _ASSISTANT, "GAN": _GAN},
    "coarse": {"diffusion": _UNET + _TRANSFORMER, "GPT or Gemini": _ASSISTANT, "GAN": _GAN},
    "one against all": {"GPT or Gemini": _ASSISTANT, "any other": _UNET + _TRANSFORMER + _GAN + _OTHER},
    "age": {"to 2023": _UNET + _GAN, "2024 on": _TRANSFORMER + _ASSISTANT},
}
"""For each set that was tried, the families and their generators."""
AIM = 0.95
"""Precision that the threshold for naming a family is chosen for, with as many images of the family as of others."""
_PENALTY = 1.0
_STEPS = np.arange(-0.5, 2.0, 0.05)


def table(pack: Pack, features: list[Table], taken: NDArray[np.int64], splits: int) -> str:
    """Markdown: how often a head that never saw the repository names the family, and how precise naming is where the
    threshold was chosen on half of the groups. Images `taken` (N,) for documents are left out: their content gives
    them away."""
    pictures = taken != NAMES.index("document")
    features, pack = [table[pictures] for table in features], pack.part(pictures)
    lines = [line for name, families in SETS.items() for line in _lines(pack, features, name, families, splits)]
    return tables.markdown(
        ["set", "right", "most frequent", "family", "images", "named", "precision, mean", "worst tenth"], lines
    )


def _lines(
    pack: Pack, features: list[Table], name: str, families: Mapping[str, Sequence[str]], splits: int
) -> Iterator[list[str]]:
    label = np.full(len(pack), -1)
    for index, generators in enumerate(families.values()):
        label[np.isin(pack.generator, generators)] = index
    chosen = (label >= 0) & (pack.fake == 1)
    part, label = pack.part(chosen), np.tile(label[chosen], len(features))
    scores = _held_out(part, [table[chosen] for table in features], label)
    right, most = (scores.argmax(1) == label).mean(), np.bincount(label).max() / len(label)
    for index, family in enumerate(families):
        others = np.delete(scores, index, axis=1).max(axis=1)
        found = list(_nested(scores[:, index] - others, label == index, np.tile(part.group, len(features)), splits))
        named = np.mean([share for share, _ in found])
        precise = [p for _, p in found if p is not None]
        cells = [f"{np.mean(precise):.2f}", f"{np.quantile(precise, 0.1):.2f}"] if precise else ["-", "-"]
        images = str(int((label == index).sum()) // len(features))
        yield [name, f"{right:.2f}", f"{most:.2f}", family, images, f"{named:.2f}", *cells]


def _held_out(part: Pack, features: list[Table], label: NDArray[np.int64]) -> NDArray[np.float64]:
    """The score of each row for each family, by a head that never saw its group; families weigh the same."""
    rows = np.concatenate(features)
    groups = np.tile(part.group, len(features))
    weights = np.zeros(len(label))
    for index in np.unique(label):
        own = label == index
        weights[own] = sample_weights(np.ones(own.sum(), np.int64), groups[own])
    weights *= len(label) / weights.sum() / len(features)
    targets = np.where(label[:, None] == np.unique(label), 1.0, -1.0)
    return solve(kernel_of(Scaling.of(rows)(rows)), targets, weights, groups, _PENALTY).left_out


def _nested(
    margin: NDArray[np.float64], own: NDArray[np.bool_], group: NDArray[np.str_], splits: int
) -> Iterator[tuple[float, float | None]]:
    """Both ways of each split: the share of the family that is named, and the precision if anything is."""
    for fitted, judged in halves(group, range(splits)):
        least = next((t for t in _STEPS if _precision(margin > t, own, fitted) >= AIM), None)
        named = np.zeros(len(own), bool) if least is None else margin > least
        share = float(named[judged & own].mean()) if (judged & own).any() else 0.0
        yield share, _precision(named, own, judged) if named[judged].any() else None


def _precision(named: NDArray[np.bool_], own: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    """Of equally many rows of the family and of others, the share of those named that is right."""
    if not (rows & own).any() or not (rows & ~own).any():
        return 0.0
    right, wrong = named[rows & own].mean(), named[rows & ~own].mean()
    return float(right / (right + wrong)) if right else 0.0
