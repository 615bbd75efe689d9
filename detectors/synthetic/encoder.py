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
        self._session = Session(self.card, weights, threads=threads, providers=providers, cut_at=tensors)

    def __call__(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (float32, (N, 6912)) of RGB views (uint8, N x 224 x 224 x 3).

        For each block: the class token, and the mean and standard deviation over the patch tokens. Raises ModelFault.
        """
        return np.concatenate([self._features(view[None]) for view in views])

    def _features(self, view: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One view at a time: dynamic INT8 quantisation spans the batch, and an image's score must not depend on
        the other images in it."""
        scaled = (view.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        blocks = self._session.run_all(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
        return np.concatenate([part for block in blocks for part in _summary(block)], axis=1)


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
