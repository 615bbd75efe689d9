"""Heatmaps: where in an image a head sees generated texture. Far less certain than its score of the whole image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.encoder import Encoder
from detectors.synthetic.network import Network
from detectors.synthetic.views import encoder_view, grid, tiles
from models import Session

_TILE_STRIDE, _CROP_STRIDE, _BATCH = 200, 96, 16

Heat = NDArray[np.float32]
"""(h, w) in 0..1."""


def by_tokens(working: NDArray[np.uint8], encoder: Encoder, head: Session) -> Heat:
    """The head's score of the neighbourhood of each of the encoder's patches, over the working copy (uint8, h x w x 3).

    About a second for a large image on one core. Raises ModelFault.
    """
    total = np.zeros(working.shape[:2], np.float32)
    times = np.zeros(working.shape[:2], np.float32)
    for rows, columns in tiles(working, _TILE_STRIDE):
        tile = working[rows, columns]
        features = encoder.of_neighbourhoods(encoder_view(tile))
        scores = head.run(features.reshape(-1, features.shape[-1]))[:, 0].reshape(features.shape[:2])
        total[rows, columns] += cv2.resize(scores, tile.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        times[rows, columns] += 1
    return _heat(total / times)


def by_crops(working: NDArray[np.uint8], network: Network, head: Session) -> Heat:
    """The head's score of each of the network's crops, over the working copy (uint8, h x w x 3). Raises ModelFault."""
    patches, (rows, columns) = grid(working, _CROP_STRIDE)
    starts = range(0, len(patches), _BATCH)
    scores = np.concatenate([head.run(network.of_crops(patches[i : i + _BATCH]))[:, 0] for i in starts])
    heat = _heat(scores.reshape(rows, columns))
    smooth = cv2.resize(heat, working.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth.clip(0, 1), np.float32)


def _heat(scores: NDArray[np.float32]) -> Heat:
    """Scores of about -1 (real) to 1 (synthetic) in 0..1."""
    return np.asarray(((scores + 1) / 2).clip(0, 1), np.float32)
