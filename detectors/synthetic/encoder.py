"""Features of a frozen CLIP image encoder (Radford et al. 2021, arXiv 2103.00020), from inside its transformer.

The middle of the network tells generators from cameras better than its end, which knows what is in a picture and
not how it was made (compare Koutlis and Papadopoulos 2024, arXiv 2402.19091); and what comes after the last block
used is not computed at all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import CPU, Card, Session, Task, find_card

BLOCKS = (7, 8, 9)
FEATURES = len(BLOCKS) * 3 * 768
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
_DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


class Encoder:
    """CLIP ViT-B/16 up to its tenth block; thread-safe, about 100 ms a view on one core."""

    def __init__(self, card: Card | None = None, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing or DigestMismatch without the right weights, ModelFault if they do not load."""
        self.card = card or find_card("clip-vit-b16")
        (weights,) = self.card.files
        tensors = [tensor_of(block) for block in BLOCKS]
        self._session = Session(self.card, weights, threads=threads, providers=providers, cut_at=tensors)

    def __call__(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, 6912) of RGB views (uint8, N x 224 x 224 x 3).

        For each block: the class token, and mean and deviation over the patch tokens. Raises ModelFault.
        """
        return np.concatenate([self._features(view[None]) for view in views])

    def _features(self, view: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Of one view alone: the INT8 weights' inputs are quantised over the whole batch, and what is said of a
        picture must not hang on the pictures that happened to come with it."""
        scaled = (view.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        blocks = self._session.run_all(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
        return np.concatenate([part for block in blocks for part in _summary(block)], axis=1)


IMAGE_FEATURES = Task(
    "image-features",
    "CLIP ViT-B/16 features for the shipped classifier of synthetic images.",
    Encoder,
)


def tensor_of(block: int) -> str:
    """The name of the block's output, (N, 197, 768), in the encoder's file."""
    return f"/vision_model/encoder/layers.{block}/Add_1_output_0"


def _summary(tokens: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Class token, mean and deviation of the rest, each (N, D), of tokens (N, 197, D)."""
    patches = tokens[:, 1:]
    return tokens[:, 0], patches.mean(axis=1), patches.std(axis=1)
