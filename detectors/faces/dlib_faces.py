"""The default FaceModel: dlib (`dlib-bin`) with the weights of `face-recognition-models`."""

import importlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.faces.canary import prove
from detectors.faces.detection import CHIP, PADDING, check_picture, confirmed, inside, locate, sharpness, side
from detectors.faces.embedding import embed
from detectors.faces.face import Face
from detectors.faces.onnx_embedder import OnnxEmbedder
from detectors.faces.pose import points, turn
from models import Card, ModelError, ModelFault, ModelMissing, find_card

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"


class DlibFaces:
    """Finds faces with dlib, and embeds them with its network or another; thread-safe, one picture at a time.

    See `detection` for what it can find.
    """

    def __init__(self, card: Card | None = None, embedder: OnnxEmbedder | None = None) -> None:
        """Load the checked weights and prove with drawings that they work; `embedder` takes the network's place.

        Raises:
            ModelMissing: dlib or the weights are not installed.
            DigestMismatch: the weights are not the right ones.
            ModelFault: dlib cannot load them, or what it finds in the drawings is wrong.
        """
        self.card = card or find_card("dlib-faces")
        self._dlib = _import()
        self._lock = threading.Lock()  # dlib's detector and network keep state while they run
        self._detector = self._dlib.get_frontal_face_detector()
        self._landmarks = self._load(self._dlib.shape_predictor, LANDMARKS)
        self._embed = embedder or self._own_network()
        judge = embedder.card if embedder else self.card
        self.identity, self.digest = judge.identity, embedder.digest if embedder else judge.digest
        self.threshold, self.strict_threshold, self.review_distance = (
            float(judge.options[name]) for name in ("threshold", "strict_threshold", "review_distance")
        )
        prove(self)

    def _own_network(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        network = self._load(self._dlib.face_recognition_model_v1, NETWORK)
        return lambda chip: embed(network, chip)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face that is found (see `FaceModel`).

        Raises:
            ModelFault: no RGB picture, or dlib failed.
        """
        check_picture(rgb)
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
            if not confirmed(self._dlib, self._detector, rgb, found, shape):
                continue
            chip = self._dlib.get_face_chip(rgb, shape, size=CHIP, padding=PADDING)
            embedding = self._embed(chip)
            pose = turn(points(shape))
            yield Face(inside(found.box, rgb), side(found.box), sharpness(chip), found.score, embedding, pose)

    def _load(self, build: Any, path: str) -> Any:
        """dlib reads files by name only: it gets a private copy of the bytes whose digest was checked."""
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
