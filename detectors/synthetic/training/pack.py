"""The training data: images, labels, sources, and the groups that are held out whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.kinds import KINDS

from .subjects import generator_of, kind_of, subject_of

UNKNOWN_KIND = -1
NAMES = tuple(KINDS)
"""The detector's kinds, in the order of its head's outputs."""

_WHOLE = ("folder", "files")


@dataclass(frozen=True)
class Pack:
    """N images. `fake`: 0 or 1. `source`: generator or real source. `repository`: where it is from. `group`:
    repositories that are held out together, because they share images.

    `kind`: index into NAMES, or UNKNOWN_KIND. `subject`: what it shows, as the tables name it. `photo`: is or looks
    like a photograph.
    """

    folder: Path
    files: tuple[str, ...]
    fake: NDArray[np.int64]
    source: NDArray[np.str_]
    repository: NDArray[np.str_]
    group: NDArray[np.str_]
    kind: NDArray[np.int64]
    subject: NDArray[np.str_]
    generator: NDArray[np.str_]
    photo: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.files)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Load an image as RGB (uint8, H x W x 3)."""
        bgr = cv2.imread(str(self.folder / self.files[index]), cv2.IMREAD_COLOR)
        if bgr is None:
            raise FileNotFoundError(self.folder / self.files[index])
        return np.ascontiguousarray(bgr[..., ::-1], np.uint8)

    def part(self, chosen: NDArray[np.bool_]) -> Pack:
        """The chosen images (N,)."""
        arrays = {field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name not in _WHOLE}
        return replace(self, files=tuple(np.array(self.files)[chosen]), **arrays)

    def joined(self, pairs: Iterable[tuple[int, int]]) -> Pack:
        """The pack with the groups of each pair of images made one: copies of an image never straddle folds."""
        parent = {name: name for name in np.unique(self.group)}

        def root(name: np.str_) -> np.str_:
            while parent[name] != name:
                name = parent[name]
            return name

        for a, b in pairs:
            parent[root(self.group[a])] = root(self.group[b])
        return replace(self, group=np.array([root(name) for name in self.group]))


def load(folder: Path) -> Pack:
    """Read `manifest.csv` (`file,label,kind,generator_or_source_family,group,photoreal`).

    Raises:
        ValueError: a kind is not known (see `subjects.toml`).
    """
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    named = [(row["kind"], row["generator_or_source_family"]) for row in rows]
    fake = np.array([int(row["label"] == "fake") for row in rows])
    kinds = [kind_of(word, source, bool(f)) for (word, source), f in zip(named, fake, strict=True)]
    return Pack(
        folder=folder,
        files=tuple(row["file"] for row in rows),
        fake=fake,
        source=np.array([source for _, source in named]),
        repository=np.array([row["group"] for row in rows]),
        group=np.array([row["group"] for row in rows]),
        kind=np.array([UNKNOWN_KIND if kind is None else NAMES.index(kind) for kind in kinds]),
        subject=np.array([subject_of(word, source) for word, source in named]),
        generator=np.array([generator_of(s) if f else "" for (_, s), f in zip(named, fake, strict=True)]),
        photo=np.array([row["photoreal"] == "1" for row in rows]),
    )


def sample_weights(fake: NDArray[np.int64], group: NDArray[np.str_], power: float = 0.5) -> NDArray[np.float64]:
    """Weights of mean 1: both classes weigh the same, and within a class a group of n images weighs n ** power."""
    weights = np.zeros(len(fake))
    for label in (0, 1):
        chosen = fake == label
        _, inverse, counts = np.unique(group[chosen], return_inverse=True, return_counts=True)
        share = (counts ** (power - 1.0))[inverse]
        weights[chosen] = share / share.sum()
    return weights * len(fake) / 2
