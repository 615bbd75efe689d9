"""Third-party classifiers: any ONNX image classifier, with pre- and post-processing described by its card."""

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
    """A card's `options`: how images are preprocessed and outputs interpreted.

    The image's centre square (with `whole`: the entire image, stretched to a square) is resized to `resize` px
    (default: `size`) and centre-cropped to `size` px. Channels in 0..1 are normalised with `mean` and `deviation`.
    `activation` turns outputs into probabilities: `softmax` over classes, `sigmoid` of each, or `none` if they already
    are probabilities.
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
    """The card's options. Raises ModelFault if they are not valid."""
    try:
        options = kind.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
    if not (np.isfinite([*options.mean, *options.deviation]).all() and all(options.deviation)):
        raise ModelFault(f"{card.identity}: a mean or deviation is not finite, or a deviation is 0")
    return options


class OnnxClassifier:
    """The one ONNX file of a card, from pixels to probabilities; thread-safe."""

    def __init__(
        self, card: Card, options: ClassifierOptions, *, threads: int = 1, providers: Sequence[str] = CPU
    ) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault if the card or its file is not usable."""
        files = [path for path in card.files if path.endswith(".onnx")]
        if len(files) != 1:
            raise ModelFault(f"{card.identity}: the card lists {len(files)} ONNX files; a classifier needs exactly one")
        self.card = card
        self.digest = hashlib.sha256(f"{card.digest} {options.model_dump_json()}".encode()).hexdigest()
        """SHA-256 (hex) over the file and the options: with other options it is a different classifier."""
        self._options = options
        self._session = Session(card, files[0], threads=threads, providers=providers)

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess an image (uint8, H x W x 3) into the model's input (float32, 3 x size x size)."""
        return _prepared(rgb, self._options)

    def outputs(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the raw outputs: (images, classes) float32, all finite.

        Runs one image at a time: with dynamic quantisation a score would depend on the other images in the batch.

        Raises:
            ModelFault: the run failed, or did not return one number per class.
        """
        found = np.concatenate([self._session.run(one[None]) for one in prepared])
        classes = max(found.shape[1:], default=1)
        if found.size != len(prepared) * classes:
            raise ModelFault(f"{self.card.identity}: an output of shape {found.shape} is not one number per class")
        return found.reshape(len(prepared), classes)

    def probabilities(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return probabilities: (images, classes) float32 in 0..1. Raises ModelFault, also for a wrong activation."""
        found = _probabilities(self.outputs(prepared), self._options.activation)
        if not ((found >= 0) & (found <= 1)).all():
            raise ModelFault(f"{self.card.identity}: {found.max()} is not a probability; see `activation` in the card")
        return found

    def require(self, index: int, classes: int) -> None:
        """Raise ModelFault unless `index` is one of the model's `classes` outputs."""
        if index >= classes:
            raise ModelFault(f"{self.card.identity}: it has {classes} outputs, so there is no output {index}")


def _prepared(rgb: NDArray[np.uint8], options: ClassifierOptions) -> NDArray[np.float32]:
    """(3, size, size), float32: the image or its centre square, resized and cropped."""
    side = max(options.resize or options.size, options.size)
    source = rgb if options.whole else _centre(rgb, min(rgb.shape[:2]))
    method = cv2.INTER_AREA if min(source.shape[:2]) > side else cv2.INTER_CUBIC
    crop = _centre(np.asarray(cv2.resize(source, (side, side), interpolation=method), np.uint8), options.size)
    scaled = (crop.astype(np.float32) / 255 - np.array(options.mean)) / np.array(options.deviation)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32)


def _centre(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return rgb[top : top + side, left : left + side]


def _probabilities(outputs: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(outputs, -30, 30))), np.float32)
    if activation == "softmax":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
    return outputs
