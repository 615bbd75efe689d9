"""A FaceModel of YuNet as the detector and an embedder such as SFace: of one card, or of two. Does not need dlib."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from detectors.faces.alignment import upright
from detectors.faces.canary import self_test_detector, self_test_embedder
from detectors.faces.detection import check_image, inside, sharpness, side
from detectors.faces.face import Box, Face
from detectors.faces.lean import look_again
from detectors.faces.onnx_embedder import OnnxEmbedder
from detectors.faces.pose import turn_of_tip
from detectors.faces.yunet import YuNet


class CardFaces:
    """Detects faces with one network and embeds them with another. Thread-safe."""

    def __init__(self, detector: YuNet, embedder: OnnxEmbedder, identity: str | None = None) -> None:
        """Self-test both models with drawings. `identity`: that of the card of both, if they are of one card.

        Raises:
            ModelFault: a self-test failed.
        """
        self.identity = identity or f"{embedder.card.identity}+{detector.card.identity}"
        self.digest = hashlib.sha256(f"{detector.digest} {embedder.digest}".encode()).hexdigest()
        options = embedder.options
        self.threshold, self.strict_threshold = options.threshold, options.strict_threshold
        self.review_distance = options.review_distance
        self._detector, self._embedder = detector, embedder
        self_test_detector(detector)
        self_test_embedder(embedder, self.threshold)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face found (see `FaceModel`).

        Raises:
            ModelFault: `rgb` is not an RGB image, or a network failed.
        """
        check_image(rgb)
        pixels = np.ascontiguousarray(rgb)
        detections = self._detector(pixels)
        faces = [
            self._face(pixels, _box(*box), look_again(pixels, landmarks, self._detector), float(score))
            for box, landmarks, score in zip(detections.boxes, detections.landmarks, detections.scores, strict=True)
        ]
        return sorted((face for face in faces if _visible(face.box)), key=lambda face: (-face.size, face.box))

    def _face(self, rgb: NDArray[np.uint8], box: Box, landmarks: NDArray[np.float64], score: float) -> Face:
        chip = upright(rgb, landmarks)
        margin = max(0.0, score - self._detector.options.score)
        return Face(inside(box, rgb), side(box), sharpness(chip), margin, self._embedder(chip), turn_of_tip(landmarks))


def _box(left: float, top: float, width: float, height: float) -> Box:
    return round(left), round(top), round(left + width), round(top + height)


def _visible(box: Box) -> bool:
    """Whether any part of the box is inside the image."""
    return box[0] < box[2] and box[1] < box[3]
