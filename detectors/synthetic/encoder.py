"""Features from intermediate blocks of a frozen CLIP image encoder (Radford et al. 2021, arXiv 2103.00020).

The middle blocks separate generators from cameras better than the last ones, which encode what an image shows rather
than how it was made (compare Koutlis and Papadopoulos 2024, arXiv 2402.19091). Blocks after the last one used are not
computed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import CPU, Card, Session, Task, find_card

BLOCKS = (6, 8, 10)
FEATURES = len(BLOCKS) * 3 * 768
PATCHES = 14
"""Patches in a row and in a column of a view."""
_REACH = 2  # patches to each side that belong to a neighbourhood
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


class Encoder:
    """CLIP ViT-B/16 up to its eleventh block. Thread-safe; about 110 ms per view on one core."""

    def __init__(
        self,
        card: Card | None = None,
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
        blocks: Sequence[int] = BLOCKS,
    ) -> None:
        """`blocks`: those whose features are wanted; the shipped head takes BLOCKS.

        Raises:
            ModelMissing, DigestMismatch, ModelFault: the weights are missing, differ, or do not load.
        """
        self.card = card or find_card("clip-vit-b16")
        (weights,) = self.card.files
        tensors = [tensor_of(block) for block in blocks]
        self._at_once = threads  # on one core several views take longer each: they no longer fit into its cache
        self._session = Session(self.card, weights, threads=threads, providers=providers, cut_at=tensors, by_row=True)

    def __call__(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (float32, (N, 6912)) of RGB views (uint8, N x 224 x 224 x 3).

        For each block: the class token, and the mean and standard deviation over the patch tokens. A view's features do
        not depend on the others: activations are quantised token by token. Raises ModelFault.
        """
        parts = [views[start : start + self._at_once] for start in range(0, len(views), self._at_once)]
        return np.concatenate([self._features(part) for part in parts])

    def of_neighbourhoods(self, view: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (float32, (PATCHES, PATCHES, 6912)) of each place in an RGB view (uint8, 224 x 224 x 3), as if the
        five by five patches around it were the image; the class token is that of the whole view. Raises ModelFault.
        """
        blocks = self._blocks(view[None])
        return np.concatenate([part for block in blocks for part in _local_summary(block[0])], axis=-1)

    def _features(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.concatenate([part for block in self._blocks(views) for part in _summary(block)], axis=1)

    def _blocks(self, views: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The tokens (N, 197, 768) after each block."""
        scaled = (views.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        return self._session.run_all(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


IMAGE_FEATURES = Task(
    "image-features",
    "CLIP ViT-B/16 features for the shipped classifier of synthetic images.",
    Encoder,
)


def tensor_of(block: int) -> str:
    """The name of a block's output tensor, (N, 197, 768)."""
    return f"/vision_model/encoder/layers.{block}/Add_1_output_0"


def _summary(tokens: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """From tokens (N, 197, D): the class token, and mean and deviation of the patch tokens, each (N, D)."""
    patches = tokens[:, 1:]
    return tokens[:, 0], patches.mean(axis=1), patches.std(axis=1)


def _local_summary(tokens: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """From tokens (197, D): the class token, and mean and deviation around each patch, each (PATCHES, PATCHES, D)."""
    patches = tokens[1:].reshape(PATCHES, PATCHES, -1)
    mean = _around(patches)
    spread = np.sqrt(np.maximum(_around(patches**2) - mean**2, 0))
    return np.broadcast_to(tokens[0], patches.shape), mean, spread


def _around(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over the neighbourhood of each patch (R, C, D); beyond the edge the patches are mirrored."""
    for axis in (0, 1):
        room = [(_REACH, _REACH) if each == axis else (0, 0) for each in range(3)]
        padded = np.pad(patches, room, mode="reflect")
        shifted = (np.take(padded, range(start, start + PATCHES), axis) for start in range(2 * _REACH + 1))
        patches = np.mean(list(shifted), axis=0, dtype=np.float32)
    return patches
