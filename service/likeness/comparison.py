"""Find and compare faces in image files. Nothing is stored."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors import (
    FACE_COMPARISON,
    FACE_DETECTION,
    FACE_RECOGNITION,
    CardFaces,
    DlibFaces,
    Face,
    FaceModel,
    at_all_turns,
    compare,
)
from models import ModelError, ModelMissing, find_card
from service.kit.errors import Unavailable
from service.kit.model_store import added_card, store
from service.kit.settings import Settings
from service.media.pictures import ImageLimits, decode, open_limits

PULLED = "faces"
"""The card of the default face model, as `models pull` takes it."""

Box = Annotated[tuple[int, int, int, int], Field(description="Left, top, right, bottom in pixels.")]


class FoundFace(BaseModel):
    """The position and quality of a face. The embedding is not exposed: it is biometric data.

    `turned`: by how many degrees the face is turned in the image, clockwise, to the nearest quarter turn.
    """

    model_config = ConfigDict(frozen=True)

    box: Box
    size: int
    sharpness: float
    score: float
    turned: int = 0


class FoundFaces(BaseModel):
    """The faces of one file, largest first."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    model: str
    digest: str
    faces: tuple[FoundFace, ...]


class Comparison(BaseModel):
    """Whether two images show the same person.

    `distance` is that of the closest pair of faces, and `same` whether it is at most `threshold`; both are None if an
    image has no face. `faces` counts the faces of each image; `boxes` lists them, largest first.
    """

    model_config = ConfigDict(frozen=True)

    distance: float | None
    threshold: float
    same: bool | None
    faces: tuple[int, int]
    boxes: tuple[tuple[Box, ...], tuple[Box, ...]]


class FaceComparer:
    """Applies a face model to image files. Thread-safe if the model is."""

    def __init__(self, model: FaceModel, limits: ImageLimits) -> None:
        self._model = model
        self._limits = limits

    def find(self, data: bytes, name: str = "-") -> FoundFaces:
        """Find every face in an image file.

        Raises:
            InputError: the bytes are not a readable image (see `pictures.decode`).
            Unavailable: the model failed.
        """
        picture = decode(data, self._limits)
        found = self._faces(picture.rgb)
        return FoundFaces(
            file=name,
            sha256=picture.sha256,
            model=self._model.identity,
            digest=self._model.digest,
            faces=tuple(
                FoundFace(
                    box=f.box,
                    size=f.size,
                    sharpness=round(f.sharpness, 1),
                    score=round(f.score, 3),
                    turned=90 * f.quarter_turns,
                )
                for f in found
            ),
        )

    def compare(self, first: bytes, second: bytes) -> Comparison:
        """Compare the closest pair of faces of two image files.

        Raises:
            InputError, Unavailable: as `find`.
        """
        pictures = [decode(data, self._limits) for data in (first, second)]  # decode both before any work on one
        one, other = (self._faces(picture.rgb) for picture in pictures)
        try:
            pairs = [compare(a.embedding, b.embedding) for a in one for b in other]
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault
        distance = min(pairs, default=None)
        return Comparison(
            distance=None if distance is None else round(distance, 4),
            threshold=self._model.threshold,
            same=None if distance is None else distance <= self._model.threshold,
            faces=(len(one), len(other)),
            boxes=(tuple(f.box for f in one), tuple(f.box for f in other)),
        )

    def _faces(self, rgb: NDArray[np.uint8]) -> list[Face]:
        try:
            return at_all_turns(self._model, rgb)
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault


def open_model(settings: Settings) -> FaceModel:
    """Load and self-test the face model that the settings name.

    `auto`: the detector and embedder whose cards the operator added, else the pulled card `faces`, else dlib.

    Raises:
        Unavailable: no model is installed, one was altered or does not work, there are two cards for one task, or a
            detector's card without an embedder's.
    """
    try:
        match settings.face_model:
            case "faces":
                return _shipped_card(settings)
            case "dlib":
                return DlibFaces()
            case "auto":
                return _own_cards(settings) or _pulled_card(settings) or _dlib()
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def _own_cards(settings: Settings) -> FaceModel | None:
    """The model of the operator's cards; None if there are none. Raises ModelError, Unavailable as `open_model`."""
    whole = added_card(FACE_RECOGNITION, settings)
    detector, embedder = added_card(FACE_DETECTION, settings), added_card(FACE_COMPARISON, settings)
    if whole and (detector or embedder):
        raise Unavailable(
            f"{whole.name} has a detector and an embedder, and there are cards for parts of a face model, too",
            hint="Keep the one or the others.",
        )
    if detector and not embedder:
        raise Unavailable(
            f"the face detector {detector.name} needs an embedder, and no card has the task face-comparison",
            hint="Add a card for an embedder such as SFace. dlib's own only works with dlib's alignment.",
        )
    threads, providers = settings.threads, settings.onnx_providers
    if whole:
        return FACE_RECOGNITION.open(whole, threads=threads, providers=providers)
    if not embedder:
        return None
    own = FACE_COMPARISON.open(embedder, threads=threads, providers=providers)
    if not detector:
        return DlibFaces(embedder=own)
    return CardFaces(FACE_DETECTION.open(detector, threads=threads, providers=providers), own)


def _pulled_card(settings: Settings) -> FaceModel | None:
    """The shipped card's model; None if it was not pulled. Raises ModelError if it was, and is damaged."""
    return _shipped_card(settings) if find_card(PULLED).kept_in(store(settings)).source.root().exists() else None


def _shipped_card(settings: Settings) -> FaceModel:
    card = find_card(PULLED).kept_in(store(settings))
    return FACE_RECOGNITION.open(card, threads=settings.threads, providers=settings.onnx_providers)


def _dlib() -> FaceModel:
    try:
        return DlibFaces()
    except ModelMissing as missing:
        raise Unavailable(
            f"there is no face model: `{PULLED}` is not downloaded, and {missing}",
            hint=f"Run `countermark models pull {PULLED}`.",
        ) from missing


def open_face_comparer(settings: Settings) -> FaceComparer:
    """A FaceComparer with the configured model. Raises Unavailable as `open_model`."""
    return FaceComparer(open_model(settings), open_limits(settings))
