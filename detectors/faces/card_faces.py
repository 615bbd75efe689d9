"""A FaceModel of two cards: YuNet finds the faces, an embedder such as SFace tells them apart. No dlib."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from detectors.faces.alignment import upright
from detectors.faces.canary import prove_detector, prove_embedder
from detectors.faces.detection import check_picture, inside, sharpness, side
from detectors.faces.face import Box, Face
from detectors.faces.onnx_embedder import OnnxEmbedder
from detectors.faces.yunet import YuNet


class CardFaces:
    """Finds faces with one card's network and embeds them with another's; thread-safe.

    Which way a head is turned it does not tell (`Face.turn` is NaN): our limits of a turn were measured on the base of
    the nose, and YuNet gives its tip. So nobody can enrol themselves by poses with it.
    """

    def __init__(self, detector: YuNet, embedder: OnnxEmbedder) -> None:
        """Prove with drawings that both work.

        Raises:
            ModelFault: what they say of the drawings is wrong.
        """
        self.identity = f"{embedder.card.identity}+{detector.card.identity}"
        self.digest = hashlib.sha256(f"{detector.digest} {embedder.digest}".encode()).hexdigest()
        options = embedder.options
        self.threshold, self.strict_threshold = options.threshold, options.strict_threshold
        self.review_distance = options.review_distance
        self._detector, self._embedder = detector, embedder
        prove_detector(detector)
        prove_embedder(embedder, self.threshold)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face that is found (see `FaceModel`).

        Raises:
            ModelFault: no RGB picture, or a network gave no answer.
        """
        check_picture(rgb)
        pixels = np.ascontiguousarray(rgb)
        located = self._detector(pixels)
        faces = [
            self._face(pixels, _box(*box), landmarks, float(score))
            for box, landmarks, score in zip(located.boxes, located.landmarks, located.scores, strict=True)
        ]
        return sorted((face for face in faces if _visible(face.box)), key=lambda face: (-face.size, face.box))

    def _face(self, rgb: NDArray[np.uint8], box: Box, landmarks: NDArray[np.float64], score: float) -> Face:
        chip = upright(rgb, landmarks)
        margin = max(0.0, score - self._detector.options.score)
        return Face(inside(box, rgb), side(box), sharpness(chip), margin, self._embedder(chip))


def _box(left: float, top: float, width: float, height: float) -> Box:
    return round(left), round(top), round(left + width), round(top + height)


def _visible(box: Box) -> bool:
    """Some of it lies in the picture."""
    return box[0] < box[2] and box[1] < box[3]
