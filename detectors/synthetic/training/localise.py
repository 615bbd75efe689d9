"""Whether heatmaps show what was edited: real photographs with a part of a synthetic image put into them.

A quarter of the repositories is left out of both heads; the edited photographs and what is put into them come from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.encoder import BLOCKS, Encoder
from detectors.synthetic.localisation import Heat, by_crops, by_tokens
from detectors.synthetic.network import Network
from models import Session

from . import heads
from .data import Data
from .degrade import recompress
from .evaluate import auroc
from .heads import Head, Recipe

_SIDE, _QUALITY, _STEP = 320, 90, 7


@dataclass(frozen=True)
class _AsSession:
    """A head that was not saved, as the detector runs one."""

    head: Head

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.head(features)[0][:, None]


def table(data: Data, encoder: Encoder, network: Network, recipes: tuple[Recipe, Recipe, Recipe], images: int) -> str:
    """Markdown: for each heatmap, how well it ranks the pixels of what was put in above the others (AUROC)."""
    rng = np.random.default_rng(3)
    names = np.unique(data.pack.group)
    tested = np.isin(data.pack.group, rng.choice(names, len(names) // 4, replace=False))
    fitted = data.pack.part(~tested)
    of_encoder, of_network, kinds = recipes
    parts = [[t[~tested] for t in of] for of in (data.of_blocks(BLOCKS), data.network)]
    head, small = (
        heads.fit(fitted, part, r, kinds)[0] for part, r in zip(parts, (of_encoder, of_network), strict=True)
    )
    found: dict[str, list[float]] = {"the encoder's tokens": [], "the network's crops": []}
    for _ in range(images):
        image, mask = _edited(data, tested & data.unseen_by_network, rng)
        maps = (by_tokens(image, encoder, _session(head)), by_crops(image, network, _session(small)))
        for scores, heat in zip(found.values(), maps, strict=True):
            scores.append(_ranked(heat, mask))
    lines = [f"| {name} | {np.mean(s):.3f} | {np.mean(np.array(s) > 0.7):.2f} |" for name, s in found.items()]
    return "\n".join(["| heatmap from | AUROC of pixels, mean | images above .7 |", "|---|---|---|", *lines])


def _session(head: Head) -> Session:
    wrapped: object = _AsSession(head)
    return wrapped  # type: ignore[return-value]


def _edited(
    data: Data, chosen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A photograph with an ellipse of a synthetic image in it, saved again; and where it is."""
    pack = data.pack
    real = rng.choice(np.flatnonzero(chosen & (pack.fake == 0) & pack.photo))
    fake = rng.choice(np.flatnonzero(chosen & (pack.fake == 1)))
    photograph, put_in = (_square(pack.picture(int(index))) for index in (real, fake))
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    (x, y), (a, b) = rng.integers(80, 240, 2), rng.integers(45, 85, 2)
    cv2.ellipse(mask, (int(x), int(y)), (int(a), int(b)), float(rng.uniform(0, 180)), 0, 360, (255,), -1)
    share = cv2.GaussianBlur(mask, (7, 7), 0)[..., None] / 255
    mixed = photograph * (1 - share) + put_in * share
    return recompress(mixed.round().astype(np.uint8), _QUALITY), mask > 0


def _square(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(rgb.shape[:2])
    return np.asarray(cv2.resize(rgb[:side, :side], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _ranked(heat: Heat, mask: NDArray[np.bool_]) -> float:
    return auroc(heat[~mask][::_STEP].astype(np.float64), heat[mask][::_STEP].astype(np.float64))
