"""The YuNet face detector: boxes and five landmarks per face (https://github.com/opencv/opencv_zoo, MIT).

Pre- and post-processing are those of OpenCV's FaceDetectorYN
(https://github.com/opencv/opencv/blob/5.x/modules/objdetect/src/face_detect.cpp). The network runs in ONNX Runtime like
all others, and its outputs must be finite.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors.faces.card import load_card
from detectors.faces.detection import MAX_SCALE
from models import CPU, Card, ModelFault, Session, Task

RGB = NDArray[np.uint8]
Outputs = Mapping[str, NDArray[np.float32]]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]

STRIDES = (8, 16, 32)
_WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_MULTIPLE, _MAX_CANDIDATES = 32, 5000  # of the square's side; of non-maximum suppression, as in OpenCV
_MAX_COORDINATE = 1e6  # px


class YuNetOptions(BaseModel):
    """The network sees a square of `size` px with a copy of the image in its upper left corner.

    `searched` lists the longest sides of the copies in px, one search each (default: the whole square, and half of
    it). The network was trained on faces of 10 to 300 px, and a close portrait is larger than that in the first copy.
    Faces score `score` or more; the default is below the 0.9 of OpenCV's samples, because nobody is asked about a face
    that is missed. Of two faces that overlap by more than `overlap`, the one with the higher score is kept. Faces whose
    box has a shorter side of less than `least_size` px in the image are left out, and with `whole` those of which a
    landmark is outside the image: too little of them can be compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=32, le=4096, multiple_of=_MULTIPLE)] = 640
    searched: Annotated[tuple[Annotated[int, Field(ge=16)], ...], Field(max_length=8)] = ()
    score: Share = 0.6
    overlap: Share = 0.3
    least_size: Annotated[int, Field(ge=0, le=4096)] = 0
    whole: bool = False

    @property
    def longest_sides(self) -> tuple[int, ...]:
        """The longest sides of the copies, px."""
        return self.searched or (self.size, self.size // 2)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N detected faces: `boxes` (N, 4) as left, top, width, height, and `landmarks` (N, 5, 2), px.

    The landmarks are the eye on the image's left, the one on its right, the tip of the nose, and the left and right
    corner of the mouth. `scores` (N,) are 0..1. All are float64 and finite.
    """

    boxes: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Detections":
        """Those at the indices, or where the mask (N,) is true."""
        return Detections(self.boxes[chosen], self.landmarks[chosen], self.scores[chosen])


class YuNet:
    """Detects faces and their landmarks. Thread-safe."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault if the card or its ONNX file is not usable."""
        file, self.options = load_card(card, YuNetOptions, "YuNet")
        if max(self.options.longest_sides) > self.options.size:
            raise ModelFault(f"{card.identity}: `searched` has {max(self.options.longest_sides)} px, more than `size`")
        self.card = card
        search = self.options.model_dump_json(exclude={"least_size", "whole"})  # they change no embedding
        self.digest = hashlib.sha256(f"{card.digest} {search}".encode()).hexdigest()
        """SHA-256 (hex) over the file and the options of its search."""
        self._session = Session(card, file, threads=threads, providers=providers)
        expected = {f"{part}_{stride}" for part in _WIDTHS for stride in STRIDES}
        if missing := expected - set(self._session.outputs):
            raise ModelFault(f"{card.identity}: it has no output {min(missing)}, so it is not YuNet of 2023 or later")

    def __call__(self, rgb: RGB) -> Detections:
        """Every face in an image (uint8, H x W x 3), highest score first. Raises ModelFault."""
        found = [self._detections(self._run(square), square, scale) for square, scale in self._copies(rgb)]
        merged = Detections(*(np.concatenate([getattr(f, name) for f in found]) for name in Detections.__slots__))
        kept = non_maximum_suppression(merged, self.options.score, self.options.overlap)
        large = kept.boxes[:, 2:].min(axis=1, initial=np.inf) >= self.options.least_size
        return kept.where(large & self._is_whole(kept, rgb) if self.options.whole else large)

    @staticmethod
    def _is_whole(found: Detections, rgb: RGB) -> NDArray[np.bool_]:
        height, width = rgb.shape[:2]
        inside = (found.landmarks >= 0) & (found.landmarks <= (width, height))
        return np.asarray(inside.all(axis=(1, 2)), np.bool_)

    def max_score(self, rgb: RGB) -> float:
        """The highest face score (0..1) anywhere in the image, even below the threshold. Raises ModelFault."""
        return max(
            float(scores(outputs, stride).max())
            for outputs in (self._run(square) for square, _ in self._copies(rgb))
            for stride in STRIDES
        )

    def _copies(self, rgb: RGB) -> Iterator[tuple[RGB, tuple[float, float]]]:
        """The squares to search, and the horizontal and vertical scale of the copy in each."""
        height, width = rgb.shape[:2]
        scales = {min(side / max(height, width), MAX_SCALE) for side in self.options.longest_sides}
        for scale in sorted(scales, reverse=True):
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            square = np.zeros((self.options.size, self.options.size, 3), np.uint8)
            square[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=method)
            yield square, (size[0] / width, size[1] / height)

    def _run(self, square: RGB) -> Outputs:
        """Every output for a square, by name. The network takes BGR channels in 0..255."""
        batch = np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        outputs = dict(zip(self._session.outputs, self._session.run_all(batch), strict=True))
        for part, numbers in _WIDTHS.items():
            for stride in STRIDES:
                shape, expected = outputs[f"{part}_{stride}"].shape, (1, (len(square) // stride) ** 2, numbers)
                if shape != expected:
                    raise ModelFault(f"{self.card.identity}: {part}_{stride} has shape {shape}, not {expected}")
        return outputs

    def _detections(self, outputs: Outputs, square: RGB, scale: tuple[float, float]) -> Detections:
        found = decode(outputs, square.shape[1], self.options.score)
        across = np.array(scale)
        return Detections(found.boxes / np.tile(across, 2), found.landmarks / across, found.scores)


def scores(outputs: Outputs, stride: int) -> NDArray[np.float64]:
    """The face score of each anchor, 0..1 (float64, (anchors,)): the geometric mean of two outputs."""
    cls, obj = (outputs[f"{part}_{stride}"].reshape(-1).astype(np.float64) for part in ("cls", "obj"))
    return np.asarray(np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1)), np.float64)


def decode(outputs: Outputs, width: int, threshold: float) -> Detections:
    """Every detection that scores at least `threshold`, in px of the input square, which is `width` px wide.

    Raises:
        ModelFault: a coordinate is not finite or absurdly large.
    """
    parts = [_decoded(outputs, stride, width // stride, threshold) for stride in STRIDES]
    found = Detections(*(np.concatenate([getattr(part, name) for part in parts]) for name in Detections.__slots__))
    if not (np.abs(found.boxes) < _MAX_COORDINATE).all() or not (np.abs(found.landmarks) < _MAX_COORDINATE).all():
        raise ModelFault("YuNet returned a face with coordinates that are not finite")
    return found


def _decoded(outputs: Outputs, stride: int, columns: int, threshold: float) -> Detections:
    score = scores(outputs, stride)
    anchors = np.flatnonzero(score >= threshold)
    corner = np.stack([anchors % columns, anchors // columns], axis=1).astype(np.float64)
    box, points = (outputs[f"{part}_{stride}"].reshape(-1, _WIDTHS[part])[anchors] for part in ("bbox", "kps"))
    with np.errstate(over="ignore"):  # `decode` refuses infinite sizes
        size = np.exp(box[:, 2:].astype(np.float64))
    boxes = np.hstack([corner + box[:, :2] - size / 2, size]) * stride
    return Detections(boxes, (points.reshape(-1, 5, 2) + corner[:, None]) * stride, score[anchors])


def non_maximum_suppression(found: Detections, score: float, overlap: float) -> Detections:
    """Drop detections that overlap one with a higher score. As in OpenCV, boxes are truncated to whole px first."""
    if len(found) < 2:
        return found
    boxes = np.trunc(found.boxes)
    chosen = cv2.dnn.NMSBoxes(boxes.tolist(), found.scores.tolist(), score, overlap, 1.0, _MAX_CANDIDATES)
    return found.where(np.asarray(chosen, np.intp))


FACE_DETECTION = Task(
    "face-detection",
    "Finds faces and five points of each, in place of dlib. Needs a card of task face-comparison.",
    YuNet,
    options=(YuNetOptions,),
)
