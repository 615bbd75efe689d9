"""The FaceModel of the extra `faces`: dlib (`dlib-bin`) with the weights of `face-recognition-models`."""

import importlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.faces.canary import self_test
from detectors.faces.detection import CHIP, PADDING, check_image, inside, is_confirmed, locate, sharpness, side
from detectors.faces.embedding import embed
from detectors.faces.face import Face
from detectors.faces.onnx_embedder import OnnxEmbedder
from detectors.faces.pose import points, turn
from models import Card, ModelError, ModelFault, ModelMissing, find_card

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"


class DlibFaces:
    """Detects faces with dlib and embeds them with dlib's network or another. Thread-safe, one image at a time.

    `detection` describes which faces it finds.
    """

    def __init__(self, card: Card | None = None, embedder: OnnxEmbedder | None = None) -> None:
        """Load the verified weights and self-test them with drawings. `embedder` replaces dlib's network.

        Raises:
            ModelMissing: dlib or the weights are not installed.
            DigestMismatch: the weights differ from the card.
            ModelFault: dlib cannot load them, or a self-test failed.
        """
        self.card = card or find_card("dlib-faces")
        self._dlib = _import()
        self._lock = threading.Lock()  # dlib's detector and network keep state while they run
        self._detector = self._dlib.get_frontal_face_detector()
        self._landmarks = self._load(self._dlib.shape_predictor, LANDMARKS)
        self._embed = embedder or self._dlib_network()
        card_ = embedder.card if embedder else self.card
        self.identity, self.digest = card_.identity, embedder.digest if embedder else card_.digest
        self.threshold, self.strict_threshold, self.review_distance = (
            float(card_.options[name]) for name in ("threshold", "strict_threshold", "review_distance")
        )
        self_test(self)

    def _dlib_network(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        network = self._load(self._dlib.face_recognition_model_v1, NETWORK)
        return lambda chip: embed(network, chip)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face found (see `FaceModel`).

        Raises:
            ModelFault: `rgb` is not an RGB image, or dlib failed.
        """
        check_image(rgb)
        pixels = np.ascontiguousarray(rgb)
        try:
            with self._lock:
                return list(self._faces(pixels))
        except ModelError:
            raise
        except Exception as fault:
            raise ModelFault(f"{self.identity}: {fault}") from fault

    def _faces(self, rgb: NDArray[np.uint8]) -> Iterator[Face]:
        for found in locate(self._detector, rgb):
            shape = self._landmarks(rgb, self._dlib.rectangle(*found.box))
            if not is_confirmed(self._dlib, self._detector, rgb, found, shape):
                continue
            chip = self._dlib.get_face_chip(rgb, shape, size=CHIP, padding=PADDING)
            embedding = self._embed(chip)
            pose = turn(points(shape))
            yield Face(inside(found.box, rgb), side(found.box), sharpness(chip), found.score, embedding, pose)

    def _load(self, build: Any, path: str) -> Any:
        """dlib only reads files by name, so it gets a private copy of the verified bytes."""
        weights = self.card.read(path)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path
            copy.write_bytes(weights)
            try:
                return build(str(copy))
            except Exception as fault:
                raise ModelFault(f"{self.card.identity}: dlib cannot load {path}: {fault}") from fault


def _import() -> Any:
    try:
        return importlib.import_module("dlib")
    except ImportError as missing:
        raise ModelMissing(f"dlib cannot be imported ({missing}): pip install 'countermark[faces]'") from missing
