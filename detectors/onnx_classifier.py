"""A classifier somebody else trained: any ONNX image classifier, told by its card how to be asked and read."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models import CPU, Card, ModelFault, Session

Three = tuple[float, float, float]


class ClassifierOptions(BaseModel):
    """A card's `options`: what the model is shown, and how its outputs are read.

    The picture's middle square (with `whole`: all of it, squeezed) is resized to `resize` px (unset: `size`) and its
    middle `size` px are taken; of the channels in 0..1 the `mean` is subtracted, and they are divided by `deviation`.
    `activation` makes probabilities of the outputs: `softmax` over classes, `sigmoid` of each, or `none` where they
    are probabilities already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=16, le=2048)]
    resize: Annotated[int, Field(ge=16, le=4096)] | None = None
    whole: bool = False
    mean: Three = (0.485, 0.456, 0.406)
    deviation: Annotated[Three, Field(description="Never 0.")] = (0.229, 0.224, 0.225)
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"


Options = TypeVar("Options", bound=ClassifierOptions)


def options_of(card: Card, kind: type[Options]) -> Options:
    """The card's options. Raises ModelFault where they make no sense."""
    try:
        options = kind.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
    if not (np.isfinite([*options.mean, *options.deviation]).all() and all(options.deviation)):
        raise ModelFault(f"{card.identity}: a mean or deviation is not finite, or a deviation of 0 divides by nothing")
    return options


class OnnxClassifier:
    """The one ONNX file of a card, from pixels to probabilities; thread-safe."""

    def __init__(
        self, card: Card, options: ClassifierOptions, *, threads: int = 1, providers: Sequence[str] = CPU
    ) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault where the card or its file cannot be used."""
        files = [path for path in card.files if path.endswith(".onnx")]
        if len(files) != 1:
            raise ModelFault(f"{card.identity}: its card names {len(files)} ONNX files, a classifier has one")
        self.card = card
        self.digest = hashlib.sha256(f"{card.digest} {options.model_dump_json()}".encode()).hexdigest()
        """SHA-256 (hex) of the file and of how it is asked and read: with other options it is another classifier."""
        self._options = options
        self._session = Session(card, files[0], threads=threads, providers=providers)

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the model is shown of a picture (uint8, H x W x 3): float32, 3 x size x size."""
        return _prepared(rgb, self._options)

    def outputs(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(pictures, classes) float32, as the model gives them, all finite.

        One run a picture: weights that are quantised on the fly would make a score hang on the pictures beside it.

        Raises:
            ModelFault: the run failed, or gave something else than one number a class.
        """
        found = np.concatenate([self._session.run(one[None]) for one in prepared])
        classes = max(found.shape[1:], default=1)
        if found.size != len(prepared) * classes:
            raise ModelFault(f"{self.card.identity}: an output of shape {found.shape} is not one number a class")
        return found.reshape(len(prepared), classes)

    def probabilities(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(pictures, classes) float32, each in 0..1. Raises ModelFault, also where the activation is the wrong one."""
        found = _probabilities(self.outputs(prepared), self._options.activation)
        if not ((found >= 0) & (found <= 1)).all():
            raise ModelFault(f"{self.card.identity}: {found.max()} is no probability: see `activation` in its card")
        return found

    def require(self, index: int, classes: int) -> None:
        """Raises ModelFault unless one of the model's `classes` is `index`."""
        if index >= classes:
            raise ModelFault(f"{self.card.identity}: it has {classes} outputs, none is {index}")


def _prepared(rgb: NDArray[np.uint8], options: ClassifierOptions) -> NDArray[np.float32]:
    """(3, size, size), float32: the picture or its middle square, resized and cropped."""
    side = max(options.resize or options.size, options.size)
    seen = rgb if options.whole else _middle(rgb, min(rgb.shape[:2]))
    how = cv2.INTER_AREA if min(seen.shape[:2]) > side else cv2.INTER_CUBIC
    crop = _middle(np.asarray(cv2.resize(seen, (side, side), interpolation=how), np.uint8), options.size)
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
