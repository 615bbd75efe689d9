"""Whether heatmaps show what was edited: real photographs with a part of a synthetic image put into them.

A quarter of the repositories is left out of both heads; the edited photographs and what is put into them come from it.
Large photographs come from a folder; the repositories that hold the same ones are left out too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.encoder import BLOCKS, Encoder
from detectors.synthetic.localisation import Heat, by_crops, by_tokens
from detectors.synthetic.network import Network
from detectors.synthetic.views import working_copy
from models import Session

from . import heads
from .data import Data
from .degrade import recompress
from .evaluate import auroc
from .heads import Head, Recipe

_SIDE, _QUALITY, _STEP = 320, 90, 7
_LARGE = (1024, 2048)
Edited = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""A photograph with a part put in, as the detector's working copy, and where the part is."""


@dataclass(frozen=True)
class _AsSession:
    """A head that was not saved, as the detector runs one."""

    head: Head

    def run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.head(features)[0][:, None]


def table(
    data: Data,
    encoder: Encoder,
    network: Network,
    recipes: tuple[Recipe, Recipe, Recipe],
    images: int,
    large: Path | None = None,
    without: Sequence[str] = (),
    put_in: int = 1,
) -> str:
    """Markdown: for each heatmap, how well it ranks the pixels of what was put in above the others (AUROC).

    `large`: a folder of photographs to edit at 1024 to 2048 px, in place of the pack's; `without`: repositories that
    hold the same ones. `put_in`: 1 for parts of synthetic images, 0 for those of other real ones: no map should show
    these.
    """
    rng = np.random.default_rng(3)
    names = np.unique(data.pack.group)
    chosen = rng.choice(names, len(names) // 4, replace=False)
    tested = np.isin(data.pack.group, chosen) | np.isin(data.pack.repository, without)
    fitted = data.pack.part(~tested)
    of_encoder, of_network, kinds = recipes
    parts = [[t[~tested] for t in of] for of in (data.of_blocks(BLOCKS), data.network)]
    head, small = (
        heads.fit(fitted, part, r, kinds)[0] for part, r in zip(parts, (of_encoder, of_network), strict=True)
    )
    found: dict[str, list[float]] = {"the encoder's tokens": [], "the network's crops": []}
    edited = _of_pack(data, tested, put_in, rng) if large is None else _of_folder(data, tested, put_in, large, rng)
    for number in range(images):
        image, mask = edited(number)
        maps = (by_tokens(image, encoder, _session(head)), by_crops(image, network, _session(small)))
        for scores, heat in zip(found.values(), maps, strict=True):
            scores.append(_ranked(heat, mask))
    lines = [f"| {name} | {np.mean(s):.3f} | {np.mean(np.array(s) > 0.7):.2f} |" for name, s in found.items()]
    return "\n".join(["| heatmap from | AUROC of pixels, mean | images above .7 |", "|---|---|---|", *lines])


def _session(head: Head) -> Session:
    wrapped: object = _AsSession(head)
    return wrapped  # type: ignore[return-value]


def _of_pack(data: Data, tested: NDArray[np.bool_], put_in: int, rng: np.random.Generator) -> Callable[[int], Edited]:
    """Photographs of the pack with an ellipse of another image in them."""
    pack, unseen = data.pack, tested & data.unseen_by_network

    def edited(_number: int) -> Edited:
        real = rng.choice(np.flatnonzero(unseen & (pack.fake == 0) & pack.photo))
        other = rng.choice(np.flatnonzero(unseen & (pack.fake == put_in)))
        photograph, part = (_square(pack.picture(int(index))) for index in (real, other))
        mask = _ellipse((_SIDE, _SIDE), (80, 240), (45, 85), rng)
        return _mixed(photograph, part, mask), mask > 0

    return edited


def _of_folder(
    data: Data, tested: NDArray[np.bool_], put_in: int, folder: Path, rng: np.random.Generator
) -> Callable[[int], Edited]:
    """Large photographs of a folder. A crop of the pack is mirrored at its edges to fill the ellipse at its
    own scale."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    others = np.flatnonzero(tested & data.unseen_by_network & (data.pack.fake == put_in))

    def edited(number: int) -> Edited:
        photograph = _scaled(files[number % len(files)], int(rng.integers(*_LARGE)))
        height, width = photograph.shape[:2]
        mask = _ellipse((height, width), (height // 4, 3 * height // 4), (height // 7, height // 4), rng)
        crop = _square(data.pack.picture(int(rng.choice(others))))
        room = [(0, height - _SIDE), (0, width - _SIDE), (0, 0)]
        mixed = _mixed(photograph, np.pad(crop, room, mode="symmetric"), mask)
        working = working_copy(mixed)
        where = cv2.resize(mask, working.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        return working, where > 0

    return edited


def _scaled(path: Path, longest: int) -> NDArray[np.uint8]:
    """A photograph, reduced to `longest` px on its longer side."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(path)
    factor = min(1.0, longest / max(bgr.shape[:2]))
    small = cv2.resize(bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1], np.uint8)


def _ellipse(
    shape: tuple[int, int], centre: tuple[int, int], axes: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """255 in an ellipse, 0 elsewhere. Its centre and half axes are drawn from these ranges of pixels."""
    mask = np.zeros(shape, np.uint8)
    (x, y), (a, b) = rng.integers(*centre, 2), rng.integers(*axes, 2)
    x += (shape[1] - shape[0]) // 2
    cv2.ellipse(mask, (int(x), int(y)), (int(a), int(b)), float(rng.uniform(0, 180)), 0, 360, (255,), -1)
    return mask


def _mixed(photograph: NDArray[np.uint8], put_in: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`put_in` where the mask is, over the photograph, saved again."""
    share = cv2.GaussianBlur(mask, (7, 7), 0)[..., None] / 255
    return recompress((photograph * (1 - share) + put_in * share).round().astype(np.uint8), _QUALITY)


def _square(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(rgb.shape[:2])
    return np.asarray(cv2.resize(rgb[:side, :side], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _ranked(heat: Heat, mask: NDArray[np.bool_]) -> float:
    return auroc(heat[~mask][::_STEP].astype(np.float64), heat[mask][::_STEP].astype(np.float64))
