"""What an image looks like after the usual attempts to get it past a hash list: rotated, mirrored, framed, cropped.

PDQ survives recompression, resizing and faint edits, but none of these. So they are undone, or anticipated, before
hashing.
"""

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.similarity.fingerprint import Fingerprint, bounded, fingerprint, packed
from detectors.similarity.pdq import pdq_dihedral

CROPS = (0.9, 0.8)  # of each side, around the centre
_LEAST_SIDE = 32  # px; smaller images are not compared
_MOST_SIDE = 1024  # px; views other than the image itself are taken from a copy no larger than this
_CUT_SIDE = 256  # px; the size of the copy that cuts are taken from
_STEP, _MOST_STEPS = 0.03, 6  # of a side
_EVEN = 32  # levels: the pixels of a border row span fewer, even after JPEG


def variants(rgb: NDArray[np.uint8]) -> list[Fingerprint]:
    """Hashes under which an image (uint8, H x W x 3) may be listed: its eight orientations, the same without a uniform
    border, and its central crops in all orientations.

    The first is the image's own hash. The orientations of the crops come from one pass over the pixels
    (`pdq_dihedral`) and differ from hashes of the rotated pixels in up to 20 bits or so. Those of the
    whole image are computed from the rotated pixels, because a listed copy may be damaged as well and needs that room.
    """
    rgb = bounded(rgb)
    found = [fingerprint(rgb)]
    small = _reduced(rgb)
    found += [fingerprint(turned) for turned in itertools.islice(orientations(small), 1, None)]
    inner = trimmed(small)
    if inner is not None:
        found += [fingerprint(turned) for turned in orientations(inner)]
    for crop in _crops(small):
        found += _dihedral(crop)
    return found


def looks(rgb: NDArray[np.uint8]) -> list[Fingerprint]:
    """Hashes of an image as it is, without a uniform border, and of its central crops, all upright."""
    rgb = bounded(rgb)
    inner = trimmed(rgb)
    views = [rgb, *_crops(rgb), *([] if inner is None else [inner])]
    return [fingerprint(view) for view in views]


def listings(rgb: NDArray[np.uint8]) -> list[Fingerprint]:
    """Hashes under which to list an image (uint8, H x W x 3) so that copies with cut edges are found: its `looks`, and
    193 cuts of up to 18 % of a side.

    PDQ tolerates about 1.5 % of a side, so cuts come in steps of 3 %: of one side, of two opposite sides, and of both
    directions alike (a smaller image of the same shape, anywhere). Other cuts are found only by chance.
    """
    return [*looks(rgb), *(fingerprint(part) for part in _cuts(_shrunk(rgb)))]


def _cuts(rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for steps in range(1, _MOST_STEPS + 1):
        places = range(steps + 1)
        pairs = [*itertools.product(places, places), *((None, i) for i in places), *((i, None) for i in places)]
        for down, across in pairs:
            part = rgb[_kept(rgb.shape[0], steps, down), _kept(rgb.shape[1], steps, across)]
            if min(part.shape[:2]) >= _LEAST_SIDE:
                yield part


def _kept(side: int, steps: int, before: int | None) -> slice:
    """The rest of a side after `steps` are cut, `before` of them at its start; None: nothing is cut."""
    if before is None:
        return slice(side)
    return slice(round(side * before * _STEP), round(side * (1 - (steps - before) * _STEP)))


def _shrunk(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of at most 256 px: each of its many cuts is hashed in a millisecond, with nearly the same hash."""
    scale = _CUT_SIDE / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def orientations(rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The eight ways to rotate and mirror an image, itself first."""
    for side in (rgb, rgb[:, ::-1]):
        for quarter in range(4):
            yield np.rot90(side, quarter)


def trimmed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The image without a uniform border (letterbox, frame, page); None if it has none or too little is left."""
    top, bottom = _inside(np.ptp(rgb, axis=1).max(axis=1))
    left, right = _inside(np.ptp(rgb[top:bottom], axis=0).max(axis=1)) if bottom > top else (0, 0)
    inner = rgb[top:bottom, left:right]
    return inner if inner.shape != rgb.shape and min(inner.shape[:2]) >= _LEAST_SIDE else None


def _inside(spread: NDArray[np.uint8]) -> tuple[int, int]:
    """First and last + 1 of the lines that vary; (0, 0) if none does."""
    lively = np.flatnonzero(spread > _EVEN)
    return (int(lively[0]), int(lively[-1]) + 1) if lively.size else (0, 0)


def _crops(rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    height, width = rgb.shape[:2]
    for share in CROPS:
        down, across = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
        crop = rgb[down : height - down, across : width - across]
        if min(crop.shape[:2]) >= _LEAST_SIDE:
            yield crop


def _dihedral(rgb: NDArray[np.uint8]) -> list[Fingerprint]:
    hashes, quality = pdq_dihedral(rgb)
    return [packed(bits, quality) for bits in hashes]


def _reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The means of n x n pixels, with the smallest n that fits _MOST_SIDE: PDQ blurs more than that anyway."""
    n = -(-max(rgb.shape[:2]) // _MOST_SIDE)
    height, width = (side // n * n for side in rgb.shape[:2])
    if n == 1 or not height or not width:
        return rgb
    blocks = rgb[:height, :width].reshape(height // n, n, width // n, n, 3)
    small: NDArray[np.uint8] = blocks.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8)
    return small
