"""Scores of every image by models that never saw its source, in both conditions. Cached: they take minutes."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detectors.synthetic.encoder import FEATURES, Encoder
from detectors.synthetic.views import crops, encoder_view, working_copy

from .degrade import as_posted
from .pack import Pack

log = logging.getLogger(__name__)
CONDITIONS = ("stored", "posted")


def picture(pack: Pack, index: int, condition: str) -> NDArray[np.uint8]:
    """The working copy of an image, as the detector makes it, as stored or as posted."""
    rgb = pack.picture(index)
    return working_copy(as_posted(rgb) if condition == "posted" else rgb)


def features(pack: Pack, condition: str, encoder: Encoder, out: Path) -> NDArray[np.float16]:
    """The encoder's features (N, 6912) of every image, one at a time as in production; resumes where it stopped."""
    path = out / f"features-{condition}.npy"
    if not path.exists():
        np.lib.format.open_memmap(path, "w+", np.float16, (len(pack), FEATURES)).flush()
    table = np.lib.format.open_memmap(path, "r+")
    missing = np.flatnonzero(~table.any(axis=1))
    for done, index in enumerate(missing):
        table[index] = encoder(encoder_view(picture(pack, int(index), condition))[None])[0]
        if done % 500 == 0:
            log.info("features %s: %d of %d", condition, done, len(missing))
    table.flush()
    return table


def texture(pack: Pack, condition: str, networks: dict[int, ort.InferenceSession], out: Path) -> NDArray[np.float32]:
    """The mean logit (N,) of each image's crops, by the exported network trained without its fold."""
    path = out / f"texture-{condition}.npy"
    if not path.exists():
        scores = np.zeros(len(pack), np.float32)
        for index, fold in enumerate(pack.fold):
            batch = crops(picture(pack, index, condition)).transpose(0, 3, 1, 2).astype(np.float32)
            scores[index] = networks[int(fold)].run(None, {"input": batch})[0].mean()
            if index % 500 == 0:
                log.info("texture %s: %d of %d", condition, index, len(pack))
        np.save(path, scores)
    return np.asarray(np.load(path))
