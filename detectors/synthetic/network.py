"""The small network: EfficientNet-lite0 (ImageNet weights), cut after block 10 and fine-tuned on generators' texture.

It describes an image, and the heatmap's crops, if the encoder is not installed. Its own output is not used: a head on
its features can be fitted on new sources in minutes, the network itself cannot.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.views import crops
from models import CPU, Card, Session

FEATURES = 304
_POOLED = "/pooled_norm/BatchNormalization_output_0"


class Network:
    """Features of crops: mean and deviation of two depths, normalised. Thread-safe; about 5 ms a crop on one core."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault if the weights are missing, differ, or do not load."""
        self._session = Session(card, "network.onnx", threads=threads, providers=providers, cut_at=[_POOLED])

    def of_crops(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (float32, N x 304) of RGB crops (uint8, N x S x S x 3, S >= 128). Raises ModelFault."""
        return self._session.run(np.ascontiguousarray(patches.transpose(0, 3, 1, 2), dtype=np.float32))

    def features(self, working: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Features (float32, N x 304) of working copies: the mean over five crops of each. Raises ModelFault.

        Crops of equal size share a run.
        """
        each = [crops(image) for image in working]
        found = np.zeros((len(each), FEATURES), np.float32)
        for side in {patches.shape[1] for patches in each}:
            same_size = [index for index, patches in enumerate(each) if patches.shape[1] == side]
            of_each = self.of_crops(np.concatenate([each[index] for index in same_size]))
            found[same_size] = of_each.reshape(len(same_size), -1, FEATURES).mean(axis=1)
        return found
