"""Heatmaps drawn over an image."""

import cv2
import numpy as np
from numpy.typing import NDArray

_STRENGTH = 0.45


def enlarged(cells: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a coarse map (float32[h, w] in 0..1, NaN where unknown) to an image of `shape` (H, W): float32[H, W].

    NaN cells stay NaN and do not bleed into their neighbours.
    """
    size = shape[1], shape[0]
    known = ~np.isnan(cells)
    values, weights = (
        cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
        for part in (np.nan_to_num(cells, nan=0.0).astype(np.float32), known.astype(np.float32))
    )
    defined = cv2.resize(known.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    shares = np.clip(values / np.maximum(weights, 1e-6), 0, 1)
    return np.asarray(np.where(defined, shares, np.nan), np.float32)


def overlay(rgb: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`heat` (float32[H, W] in 0..1) over a grey copy of `rgb` (uint8, H x W x 3): blue low, red high, NaN grey."""
    levels = (np.nan_to_num(heat, nan=0.0) * 255).round().astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[..., ::-1]
    grey = np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    blended = cv2.addWeighted(grey, 1 - _STRENGTH, np.ascontiguousarray(colours), _STRENGTH, 0)
    return np.asarray(np.where(np.isnan(heat)[..., None], grey, blended), np.uint8)
