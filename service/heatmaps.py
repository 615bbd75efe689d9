"""Heatmaps as pictures: people would rather look than read."""

import cv2
import numpy as np
from numpy.typing import NDArray

_STRENGTH = 0.45


def enlarged(cells: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A coarse map (float32[h, w] in 0..1, NaN counts as 0) at the size of a picture of `shape`: float32[H, W]."""
    height, width = shape
    known = np.nan_to_num(cells, nan=0.0)
    return np.asarray(np.clip(cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1), np.float32)


def overlay(rgb: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`heat` (H, W in 0..1) laid over the grey of `rgb` (uint8, H x W x 3): blue is low, red is high."""
    colours = cv2.applyColorMap((heat * 255).round().astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    grey = np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return np.asarray(cv2.addWeighted(grey, 1 - _STRENGTH, np.ascontiguousarray(colours), _STRENGTH, 0), np.uint8)
