"""Copies of one image in different groups: galleries copy one another, and templates share their stock photographs.

The pack holds random crops, so that a perceptual hash alone finds few. The encoder proposes pairs that look alike; a
pair counts if PDQ hashes are equal within 31 bits, or if local features (ORB, Rublee et al. 2011) agree on one shift,
turn and scale and the images correlate once laid over one another: faces agree in their features, not in their pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.similarity.pdq import pdq

from .pack import Pack

NEIGHBOURS = 4
FEWEST_INLIERS = 12
LEAST_CORRELATION = 0.9
_SMALLEST_OVERLAP = 0.1  # of the image's area
SAME_HASH, LOWEST_QUALITY = 31, 50
_SMALLEST_SCALE, _LARGEST_SCALE = 0.4, 2.5
_CHUNK = 256


@dataclass(frozen=True)
class _Local:
    """An image in grey (uint8, H x W), and its local features."""

    grey: NDArray[np.uint8]
    points: NDArray[np.float32]
    described: NDArray[np.uint8] | None


def copies(pack: Pack, features: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Pairs of images (indexes) from different groups that show the same picture; `features` (N, D): the encoder's."""
    hashes = [pdq(pack.picture(i)) for i in range(len(pack))]
    local: dict[int, _Local] = {}

    def described(index: int) -> _Local:
        if index not in local:
            local[index] = _local(pack.picture(index))
        return local[index]

    def same(a: int, b: int) -> bool:
        (bits_a, quality_a), (bits_b, quality_b) = hashes[a], hashes[b]
        if min(quality_a, quality_b) >= LOWEST_QUALITY and int((bits_a != bits_b).sum()) <= SAME_HASH:
            return True
        return correlation(described(a), described(b)) >= LEAST_CORRELATION

    return [pair for pair in _alike(pack.group, features) if same(*pair)]


def same_picture(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    """Whether two RGB images (uint8, H x W x 3) are crops of one picture."""
    return correlation(_local(a), _local(b)) >= LEAST_CORRELATION


def correlation(a: _Local, b: _Local) -> float:
    """Correlation (-1..1) of the pixels that two images share once their local features are laid over one another.

    -1 if too few features agree, or hardly any area is shared.
    """
    if a.described is None or b.described is None:
        return -1.0
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(a.described, b.described)
    if len(matches) < FEWEST_INLIERS:
        return -1.0
    origin, target = a.points[[m.queryIdx for m in matches]], b.points[[m.trainIdx for m in matches]]
    cv2.setRNGSeed(0)
    matrix, kept = cv2.estimateAffinePartial2D(origin, target, ransacReprojThreshold=3.0)
    if matrix is None or kept.sum() < FEWEST_INLIERS:
        return -1.0
    if not _SMALLEST_SCALE < np.hypot(matrix[0, 0], matrix[1, 0]) < _LARGEST_SCALE:
        return -1.0
    size = (b.grey.shape[1], b.grey.shape[0])
    laid = cv2.warpAffine(a.grey, matrix, size)
    shared = cv2.warpAffine(np.full_like(a.grey, 255), matrix, size) == 255
    if shared.mean() < _SMALLEST_OVERLAP:
        return -1.0
    pixels = np.stack([cv2.GaussianBlur(image, (0, 0), 2)[shared].astype(np.float64) for image in (laid, b.grey)])
    spread = pixels.std(axis=1)
    return float(np.corrcoef(pixels)[0, 1]) if spread.min() > 1 else -1.0


def _local(rgb: NDArray[np.uint8]) -> _Local:
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    found, described = cv2.ORB.create(nfeatures=500).detectAndCompute(grey, None)
    return _Local(grey, np.array([point.pt for point in found], np.float32), described)


def _alike(group: NDArray[np.str_], features: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Each image with its nearest neighbours (cosine of standardised features) outside its group."""
    rows = np.asarray(features, np.float32)
    rows = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    seen: set[tuple[int, int]] = set()
    for start in range(0, len(rows), _CHUNK):
        cosines = rows[start : start + _CHUNK] @ rows.T
        cosines[group[start : start + _CHUNK, None] == group] = -1
        for index, nearest in enumerate(np.argpartition(-cosines, NEIGHBOURS)[:, :NEIGHBOURS], start):
            for other in nearest:
                pair = min(index, int(other)), max(index, int(other))
                if pair not in seen:
                    seen.add(pair)
                    yield pair
