"""Features of every image from the encoder and the network, in both conditions. Cached: they take minutes."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.encoder import Encoder
from detectors.synthetic.network import Network
from detectors.synthetic.views import encoder_view, working_copy

from .degrade import as_posted, recompress
from .pack import Pack

log = logging.getLogger(__name__)
CONDITIONS = ("stored", "posted")
BLOCKS = tuple(range(4, 11))
"""Blocks of the encoder that are kept, to compare choices among them."""
BLOCK = 3 * 768
"""Features of a block: class token, mean and deviation of the patch tokens."""


def picture(pack: Pack, index: int, condition: str) -> NDArray[np.uint8]:
    """The working copy of an image, as the detector makes it, as stored or as posted."""
    rgb = pack.picture(index)
    return working_copy(as_posted(rgb) if condition == "posted" else recoded(rgb, pack.files[index]))


def recoded(rgb: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """One more light coding, random but the same for each file: the editions of the pack were saved differently, and
    old sources are not new ones."""
    rng = random.Random(name)
    kind = rng.random()
    if kind < 0.5:
        return recompress(rgb, rng.randint(85, 97))
    return recompress(rgb, rng.randint(85, 97), ".webp") if kind < 0.75 else rgb


def of_encoder(pack: Pack, condition: str, encoder: Encoder, out: Path) -> NDArray[np.float16]:
    """The encoder's features (N, len(BLOCKS) * BLOCK)."""
    return _table(pack, condition, out / f"features-{condition}.npy", lambda rgb: encoder(encoder_view(rgb)[None])[0])


def of_network(pack: Pack, condition: str, network: Network, out: Path) -> NDArray[np.float16]:
    """The network's features (N, Network.FEATURES): the mean over an image's crops."""
    return _table(pack, condition, out / f"network-{condition}.npy", lambda rgb: network.features([rgb])[0])


def columns(blocks: Sequence[int]) -> NDArray[np.int64]:
    """The columns of `of_encoder` that belong to `blocks`."""
    return np.concatenate([np.arange(BLOCK) + BLOCKS.index(block) * BLOCK for block in blocks])


def _table(
    pack: Pack, condition: str, path: Path, features: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
) -> NDArray[np.float16]:
    """A row for each image; resumes where it stopped."""
    if not path.exists():
        width = len(features(picture(pack, 0, condition)))
        np.lib.format.open_memmap(path, "w+", np.float16, (len(pack), width)).flush()
    table = np.lib.format.open_memmap(path, "r+")
    missing = np.flatnonzero(~table.any(axis=1))
    for done, index in enumerate(missing):
        table[index] = features(picture(pack, int(index), condition))
        if done % 500 == 0:
            table.flush()
            log.info("%s: %d of %d", path.stem, done, len(missing))
    table.flush()
    return table
