"""Object detectors, such as NudeNet, added by a card as a safety check."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from detectors.findings import Finding
from detectors.safety.canary import canary
from models import CPU, Card, ModelFault, Session

_BOX = 4  # the first four numbers of each anchor are its box
Name = Annotated[str, Field(min_length=1, max_length=80)]


class BoxOptions(BaseModel):
    """An object detector: how its input is prepared, all its classes, and which of them are unsafe.

    The image is scaled until its longer side has `size` px and placed in a square of that size filled with `fill`: in
    its upper left `corner` (as NudeNet does) or `centre` (as Ultralytics does). Channels, red first or with `bgr` blue
    first, are divided by 255. `labels` are all classes of the model, in its order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Literal["boxes"]
    size: Annotated[int, Field(ge=32, le=4096)]
    place: Literal["corner", "centre"] = "corner"
    fill: Annotated[int, Field(ge=0, le=255)] = 0
    bgr: bool = False
    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=2000)]
    unsafe: Annotated[
        tuple[Name, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        Field(min_length=1),
    ]
    label: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Name of what it finds.")]


class BoxCard:
    """Scores images by the most probable unsafe object in them. Thread-safe.

    The model returns, for each of N anchors, a box and a probability per label: (1, 4 + labels, N), the format of
    YOLOv8's ONNX exports. Overlapping boxes need not be merged: the highest score stays the highest.
    """

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Load the verified weights and check that they distinguish images.

        Raises:
            ModelMissing, DigestMismatch: the file is missing or differs from the card.
            ModelFault: the card does not match the model, or the model gives every image the same score.
        """
        self._options = _options(card)
        files = [path for path in card.files if path.endswith(".onnx")]
        if len(files) != 1:
            raise ModelFault(f"{card.identity}: the card lists {len(files)} ONNX files; a detector needs exactly one")
        self.card = card
        self.name = card.name
        self.digest = hashlib.sha256(f"{card.digest} {self._options.model_dump_json()}".encode()).hexdigest()
        """SHA-256 (hex) over the file and the options."""
        self._unsafe = [index for index, name in enumerate(self._options.labels) if name in self._options.unsafe]
        self._session = Session(card, files[0], threads=threads, providers=providers)
        self._self_test()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding per RGB image (uint8, H x W x 3), in order.

        Raises:
            ModelFault: there are no images, or the output is not a probability per label and anchor.
        """
        if not images:
            raise ModelFault(f"{self.card.identity}: no image to check")
        scores = [float(self._unsafe_probabilities(image).max()) for image in images]
        return [Finding(self.name, self._options.label, s, self.card.identity, self.digest) for s in scores]

    def _unsafe_probabilities(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The probabilities (unsafe labels, anchors), float32, 0..1."""
        found = self._session.run(letterbox(rgb, self._options)[None])
        rows = _BOX + len(self._options.labels)
        if found.ndim != 3 or found.shape[1] != rows or not found.shape[2]:
            raise ModelFault(
                f"{self.card.identity}: the output has shape {found.shape}, not (1, {rows}, anchors): {_BOX} numbers "
                f"for the box and {len(self._options.labels)} labels"
            )
        each = found[0, _BOX:]
        if not ((each >= 0) & (each <= 1)).all():
            raise ModelFault(f"{self.card.identity}: {each.max()} is not a probability: the last layer is missing")
        return np.asarray(each[self._unsafe], np.float32)

    def _self_test(self) -> None:
        """Check that the unsafe outputs are not the same for every image."""
        noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
        first, *others = (self._unsafe_probabilities(image) for image in (noise, canary(614), canary(876)))
        if all(np.array_equal(first, other) for other in others):
            raise ModelFault(f"{self.card.identity}: it gives different images the same score, so it must not be used")


def letterbox(rgb: NDArray[np.uint8], options: BoxOptions) -> NDArray[np.float32]:
    """The entire image (uint8, H x W x 3) placed on a square: float32, 3 x size x size, 0..1."""
    height, width = rgb.shape[:2]
    scale = options.size / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = ((options.size - side) // 2 if options.place == "centre" else 0 for side in inner)
    square = np.full((options.size, options.size, 3), options.fill, np.uint8)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square[top : top + inner[1], left : left + inner[0]] = cv2.resize(rgb, inner, interpolation=method)
    channels = square[..., ::-1] if options.bgr else square
    return np.ascontiguousarray(channels.transpose(2, 0, 1).astype(np.float32) / 255)


def _options(card: Card) -> BoxOptions:
    try:
        options = BoxOptions.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
    if len(set(options.labels)) != len(options.labels):
        raise ModelFault(f"{card.identity}: two labels are the same")
    if unknown := sorted(set(options.unsafe) - set(options.labels)):
        raise ModelFault(f"{card.identity}: the unsafe label {unknown[0]} is not among `labels`")
    return options
