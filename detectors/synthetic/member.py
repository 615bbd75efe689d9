"""A classifier somebody else trained: any ONNX image classifier, told by its card how to be asked and read."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors.findings import Finding
from models import CPU, Card, ModelFault, Session

Three = tuple[float, float, float]


class MemberOptions(BaseModel):
    """A card's `options`: what the model is shown, and which of its outputs means synthetic.

    The picture's middle square is resized to `resize` px (unset: `size`) and its middle `size` px are taken; of the
    channels in 0..1 the `mean` is subtracted, and they are divided by `deviation`. `activation` makes probabilities of
    the outputs: `softmax` over classes, `sigmoid` of each, or `none` where they are probabilities already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=16, le=2048)]
    resize: Annotated[int, Field(ge=16, le=4096)] | None = None
    mean: Three = (0.485, 0.456, 0.406)
    deviation: Annotated[Three, Field(description="Never 0.")] = (0.229, 0.224, 0.225)
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    synthetic: Annotated[int, Field(ge=0, description="Index of the output that says synthetic.")]
    inverted: Annotated[bool, Field(description="That output says real instead.")] = False


class Member:
    """One such classifier; thread-safe. Its score is evidence of its own kind, not calibrated."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault where the card or its one ONNX file cannot be used."""
        files = [path for path in card.files if path.endswith(".onnx")]
        if len(files) != 1:
            raise ModelFault(f"{card.identity}: its card names {len(files)} ONNX files, a classifier has one")
        try:
            self._options = MemberOptions.model_validate(dict(card.options))
        except ValidationError as bad:
            raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
        if 0 in self._options.deviation:
            raise ModelFault(f"{card.identity}: a deviation of 0 divides by nothing")
        self.card = card
        self.digest = _digest(card, self._options)
        self._session = Session(card, files[0], threads=threads, providers=providers)

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the model is shown of a picture (uint8, H x W x 3): float32, 3 x size x size."""
        return _prepared(rgb, self._options)

    def judge(self, prepared: Sequence[NDArray[np.float32]]) -> list[Finding]:
        """The score, 0..1, that each picture is synthetic, one run a picture: weights that are quantised on the fly
        would make a score hang on the pictures beside it. Raises ModelFault."""
        outputs = np.concatenate([self._session.run(one[None]) for one in prepared]).reshape(len(prepared), -1)
        count = outputs.shape[1]
        if self._options.synthetic >= count:
            raise ModelFault(f"{self.card.identity}: it has {count} outputs, none is {self._options.synthetic}")
        scores = _probabilities(outputs, self._options.activation)[:, self._options.synthetic]
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ModelFault(f"{self.card.identity}: {scores.max()} is no probability: see `activation` in its card")
        return [self._finding(float(1 - score if self._options.inverted else score)) for score in scores]

    def _finding(self, score: float) -> Finding:
        return Finding(self.card.name, "synthetic", score, self.card.identity, self.digest)


def _digest(card: Card, options: MemberOptions) -> str:
    """SHA-256 (hex) of the files and of how they are asked and read: with other options it is another classifier."""
    return hashlib.sha256(f"{card.digest} {options.model_dump_json()}".encode()).hexdigest()


def _prepared(rgb: NDArray[np.uint8], options: MemberOptions) -> NDArray[np.float32]:
    """(3, size, size), float32: the middle square of the picture, resized and cropped."""
    side = max(options.resize or options.size, options.size)
    square = _middle(rgb, min(rgb.shape[:2]))
    how = cv2.INTER_AREA if len(square) > side else cv2.INTER_CUBIC
    crop = _middle(np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8), options.size)
    scaled = (crop.astype(np.float32) / 255 - np.array(options.mean)) / np.array(options.deviation)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32)


def _middle(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return rgb[top : top + side, left : left + side]


def _probabilities(outputs: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(outputs, -30, 30))), np.float32)
    if activation == "softmax":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
    return outputs
