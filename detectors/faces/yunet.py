"""YuNet by card: where the faces are, and five points of each (https://github.com/opencv/opencv_zoo, MIT).

What the network is shown and how its outputs are read are those of OpenCV's FaceDetectorYN
(https://github.com/opencv/opencv/blob/5.x/modules/objdetect/src/face_detect.cpp); the network runs in ONNX Runtime as
every other of ours, and what it says must be finite.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors.faces.card import opened
from detectors.faces.detection import LARGEST_SCALE
from models import CPU, Card, ModelFault, Session, Task

RGB = NDArray[np.uint8]
Outputs = Mapping[str, NDArray[np.float32]]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]

STRIDES = (8, 16, 32)
_WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_BLACK, _MOST = 32, 5000  # the square's side is a multiple of it; faces looked at, as in OpenCV
_FURTHEST = 1e6  # px; a point beyond is no answer


class YuNetOptions(BaseModel):
    """The network sees a square of `size` px with a copy of the image in its upper left corner.

    `searched` lists the longest sides of the copies in px, one search each (default: the whole square, and half of
    it). The network was trained on faces of 10 to 300 px, and a close portrait is larger than that in the first copy.
    Faces score `score` or more; the default is below the 0.9 of OpenCV's samples, because nobody is asked about a face
    that is missed. Of two faces that overlap by more than `overlap`, the one with the higher score is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=32, le=4096, multiple_of=_BLACK)] = 640
    searched: Annotated[tuple[Annotated[int, Field(ge=16)], ...], Field(max_length=8)] = ()
    score: Share = 0.6
    overlap: Share = 0.3

    @property
    def longest_sides(self) -> tuple[int, ...]:
        """Of the copies, px."""
        return self.searched or (self.size, self.size // 2)


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Faces in a picture, N of them: `boxes` (N, 4) left, top, width, height, and `landmarks` (N, 5, 2), px.

    The points are the eye on the picture's left, that on its right, the tip of the nose, the corners of the mouth,
    left and right. `scores` (N,) are 0..1. All are float64 and finite.
    """

    boxes: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)


class YuNet:
    """Finds faces and their five points; thread-safe."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault where the card or its one ONNX file cannot be used."""
        file, self.options = opened(card, YuNetOptions, "YuNet")
        if max(self.options.longest_sides) > self.options.size:
            raise ModelFault(f"{card.identity}: a copy of {max(self.options.longest_sides)} px does not fit its size")
        self.card = card
        self.digest = hashlib.sha256(f"{card.digest} {self.options.model_dump_json()}".encode()).hexdigest()
        """SHA-256 (hex) of the file and of how it is asked."""
        self._session = Session(card, file, threads=threads, providers=providers)
        wanted = {f"{part}_{stride}" for part in _WIDTHS for stride in STRIDES}
        if absent := wanted - set(self._session.outputs):
            raise ModelFault(f"{card.identity}: it has no output {min(absent)}, so it is not YuNet of 2023 or later")

    def __call__(self, rgb: RGB) -> Located:
        """Every face of a picture (uint8, H x W x 3), likeliest first. Raises ModelFault."""
        found = [self._found(self._scores(square), square, scale) for square, scale in self._copies(rgb)]
        whole = Located(*(np.concatenate([getattr(f, name) for f in found]) for name in Located.__slots__))
        return likeliest(whole, self.options.score, self.options.overlap)

    def highest(self, rgb: RGB) -> float:
        """The score (0..1) of what looks most like a face. Raises ModelFault."""
        return max(
            float(scores(outputs, stride).max())
            for outputs in (self._scores(square) for square, _ in self._copies(rgb))
            for stride in STRIDES
        )

    def _copies(self, rgb: RGB) -> Iterator[tuple[RGB, tuple[float, float]]]:
        """The squares to search, and how much wider and higher the copy in each is than the picture."""
        height, width = rgb.shape[:2]
        scales = {min(side / max(height, width), LARGEST_SCALE) for side in self.options.longest_sides}
        for scale in sorted(scales, reverse=True):
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            square = np.zeros((self.options.size, self.options.size, 3), np.uint8)
            square[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=how)
            yield square, (size[0] / width, size[1] / height)

    def _scores(self, square: RGB) -> Outputs:
        """Every output for a square, by name; the channels go in as blue, green, red from 0 to 255."""
        batch = np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        outputs = dict(zip(self._session.outputs, self._session.run_all(batch), strict=True))
        for part, numbers in _WIDTHS.items():
            for stride in STRIDES:
                shape, wanted = outputs[f"{part}_{stride}"].shape, (1, (len(square) // stride) ** 2, numbers)
                if shape != wanted:
                    raise ModelFault(f"{self.card.identity}: {part}_{stride} is {shape}, not {wanted}")
        return outputs

    def _found(self, outputs: Outputs, square: RGB, scale: tuple[float, float]) -> Located:
        found = decode(outputs, square.shape[1], self.options.score)
        across = np.array(scale)
        return Located(found.boxes / np.tile(across, 2), found.landmarks / across, found.scores)


def scores(outputs: Outputs, stride: int) -> NDArray[np.float64]:
    """How much each place looks like a face, 0..1 (float64, (places,)): the geometric mean of two outputs."""
    cls, obj = (outputs[f"{part}_{stride}"].reshape(-1).astype(np.float64) for part in ("cls", "obj"))
    return np.asarray(np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1)), np.float64)


def decode(outputs: Outputs, width: int, least: float) -> Located:
    """Every place that scores `least` or more; px of the square that went in, which is `width` px wide.

    Raises:
        ModelFault: one of them lies nowhere.
    """
    parts = [_decoded(outputs, stride, width // stride, least) for stride in STRIDES]
    found = Located(*(np.concatenate([getattr(part, name) for part in parts]) for name in Located.__slots__))
    if not (np.abs(found.boxes) < _FURTHEST).all() or not (np.abs(found.landmarks) < _FURTHEST).all():
        raise ModelFault("YuNet says of a face that it is nowhere, or endless")
    return found


def _decoded(outputs: Outputs, stride: int, columns: int, least: float) -> Located:
    likely = scores(outputs, stride)
    places = np.flatnonzero(likely >= least)
    corner = np.stack([places % columns, places // columns], axis=1).astype(np.float64)
    box, points = (outputs[f"{part}_{stride}"].reshape(-1, _WIDTHS[part])[places] for part in ("bbox", "kps"))
    with np.errstate(over="ignore"):  # endless is refused by `decode`
        size = np.exp(box[:, 2:].astype(np.float64))
    boxes = np.hstack([corner + box[:, :2] - size / 2, size]) * stride
    return Located(boxes, (points.reshape(-1, 5, 2) + corner[:, None]) * stride, likely[places])


def likeliest(found: Located, score: float, overlap: float) -> Located:
    """One of each face: without those that overlap a likelier one. As OpenCV, on boxes cut to whole px."""
    if len(found) < 2:
        return found
    boxes = np.trunc(found.boxes)
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), found.scores.tolist(), score, overlap, 1.0, _MOST), np.intp)
    return Located(found.boxes[kept], found.landmarks[kept], found.scores[kept])


FACE_DETECTION = Task(
    "face-detection",
    "Finds faces and five points of each, in place of dlib. Needs a card of task face-comparison.",
    YuNet,
    options=(YuNetOptions,),
)
