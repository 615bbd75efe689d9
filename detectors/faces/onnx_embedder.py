"""Third-party face embedders, described by a card: one ONNX file, applied to aligned faces."""

import hashlib
from collections.abc import Sequence
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors.faces.card import load_card
from detectors.faces.comparison import check_embedding
from detectors.faces.face import DIMENSIONS
from models import CPU, Card, ModelFault, Session, Task

Distance = Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)]
Three = tuple[float, float, float]

_MAX_LENGTH = 1e12  # far beyond any embedder, and still representable in float32


class EmbedderOptions(BaseModel):
    """The aligned face is resized to `size` px. Channels in 0..255 (blue, green, red with `bgr`) are normalised: minus
    `mean`, divided by `deviation`.

    Distances are Euclidean, between embeddings scaled to length 1: a cosine c is a distance of sqrt(2 - 2 c). Measure
    them with benchmarks/faces.py; they do not carry over from one model to another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=16, le=512)]
    mean: Three = (127.5, 127.5, 127.5)
    deviation: Three = (127.5, 127.5, 127.5)
    bgr: bool = False
    threshold: Distance
    strict_threshold: Distance
    review_distance: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class OnnxEmbedder:
    """From an aligned face to a 128-dimensional embedding of length 1. Thread-safe."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault if the card or its ONNX file is not usable."""
        file, self.options = load_card(card, EmbedderOptions, "an embedder")
        if not all(self.options.deviation) or not np.isfinite([*self.options.mean, *self.options.deviation]).all():
            raise ModelFault(f"{card.identity}: a mean or deviation is not finite, or a deviation is 0")
        self.card = card
        preprocessing = self.options.model_dump_json(exclude={"threshold", "strict_threshold", "review_distance"})
        self.digest = hashlib.sha256(f"{card.digest} {preprocessing}".encode()).hexdigest()
        """SHA-256 (hex) over the file and the preprocessing: only templates with the same digest are comparable."""
        self._session = Session(card, file, threads=threads, providers=providers)

    def __call__(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embedding (float32, (128,), read-only) of an aligned face (uint8, S x S x 3, RGB). Raises ModelFault."""
        side = self.options.size
        pixels = np.asarray(cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA), np.float32)
        pixels = pixels[..., ::-1] if self.options.bgr else pixels
        scaled = ((pixels - np.array(self.options.mean)) / np.array(self.options.deviation)).transpose(2, 0, 1)
        found = self._session.run(np.ascontiguousarray(scaled[None], np.float32)).reshape(-1)
        check_embedding(found, DIMENSIONS)
        length = float(np.linalg.norm(found.astype(np.float64)))
        if not 0 < length < _MAX_LENGTH:
            raise ModelFault(f"{self.card.identity}: the embedding has length {length:g}")
        embedding = np.asarray(found / length, np.float32)
        embedding.setflags(write=False)
        return embedding


FACE_COMPARISON = Task(
    "face-comparison",
    "Embeds an aligned face as 128 numbers, in place of dlib.",
    OnnxEmbedder,
    options=(EmbedderOptions,),
)
