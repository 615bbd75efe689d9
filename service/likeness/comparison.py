"""Faces in files: which there are, and whether two pictures show one person. Nothing is stored."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors import FACE_COMPARISON, FACE_DETECTION, CardFaces, DlibFaces, Face, FaceModel, compare
from models import ModelError
from service.kit.errors import Unavailable
from service.kit.model_store import added_card
from service.kit.settings import Settings
from service.media.pictures import ImageLimits, decode, limits_of

Box = Annotated[tuple[int, int, int, int], Field(description="Left, top, right, bottom in pixels.")]


class FoundFace(BaseModel):
    """Where a face is and how well it can be seen. The embedding stays inside: it is biometric."""

    model_config = ConfigDict(frozen=True)

    box: Box
    size: int
    sharpness: float
    score: float


class FoundFaces(BaseModel):
    """The faces of one file, largest first."""

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    model: str
    digest: str
    faces: tuple[FoundFace, ...]


class Comparison(BaseModel):
    """Whether some face of one picture is a face of the other.

    `distance` is that of the closest pair, and `same` says that it is at most `threshold`; both are None where a
    picture holds no face. `faces` counts the faces of each picture, `boxes` lists them, largest first.
    """

    model_config = ConfigDict(frozen=True)

    distance: float | None
    threshold: float
    same: bool | None
    faces: tuple[int, int]
    boxes: tuple[tuple[Box, ...], tuple[Box, ...]]


class FaceComparer:
    """A face model behind files. Thread-safe if the model is."""

    def __init__(self, model: FaceModel, limits: ImageLimits) -> None:
        self._model = model
        self._limits = limits

    def find(self, data: bytes, name: str = "-") -> FoundFaces:
        """Every face of a file.

        Raises:
            InputError: the bytes are no picture that can be read (see `pictures.decode`).
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
                FoundFace(box=f.box, size=f.size, sharpness=round(f.sharpness, 1), score=round(f.score, 3))
                for f in found
            ),
        )

    def compare(self, first: bytes, second: bytes) -> Comparison:
        """The closest pair of faces of two files.

        Raises:
            InputError, Unavailable: as `find`.
        """
        pictures = [decode(data, self._limits) for data in (first, second)]  # both, before any work on one
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
            return self._model(rgb)
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault


def open_model(settings: Settings) -> FaceModel:
    """The face model, loaded and proven: dlib's, or with the detector and embedder whose cards an operator added.

    Raises:
        Unavailable: the extra `faces` is not installed, a model is altered or does not work, there are two cards of
            one task, or a card of a detector without one of an embedder.
    """
    detector, embedder = added_card(FACE_DETECTION, settings), added_card(FACE_COMPARISON, settings)
    if detector and not embedder:
        raise Unavailable(
            f"{detector.name} finds faces, and there is no card of an embedder for them",
            hint="Add a card of task face-comparison, such as SFace: dlib's network wants what dlib turned upright.",
        )
    threads, providers = settings.threads, settings.onnx_providers
    try:
        own = FACE_COMPARISON.open(embedder, threads=threads, providers=providers) if embedder else None
        if detector and own:
            return CardFaces(FACE_DETECTION.open(detector, threads=threads, providers=providers), own)
        return DlibFaces(embedder=own)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def open_face_comparer(settings: Settings) -> FaceComparer:
    """The default face model behind files. Raises Unavailable as `open_model`."""
    return FaceComparer(open_model(settings), limits_of(settings))
