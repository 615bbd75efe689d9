"""The task of a card that has both halves of a face model: a detector and an embedder, to be opened as one."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from detectors.faces.card_faces import CardFaces
from detectors.faces.onnx_embedder import EmbedderOptions, OnnxEmbedder
from detectors.faces.yunet import YuNet, YuNetOptions
from models import CPU, Card, ModelFault, Task


class DetectorPart(YuNetOptions):
    """The detector, YuNet: its `file` of the card, and its options as in `face-detection`."""

    file: str


class EmbedderPart(EmbedderOptions):
    """The embedder: its `file` of the card, and its options as in `face-comparison`."""

    file: str


class FaceRecognitionOptions(BaseModel):
    """Two ONNX files of one card. `detector`: the `file` of YuNet and options of `face-detection`. `embedder`: the
    `file` and options of `face-comparison`, whose distances are measured on faces that this detector finds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: DetectorPart
    embedder: EmbedderPart


def open_faces(card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> CardFaces:
    """The face model of a card, self-tested.

    Raises:
        ModelMissing, DigestMismatch, ModelFault: the card or one of its files is not usable, or a self-test failed.
    """
    try:
        options = FaceRecognitionOptions.model_validate(dict(card.options))
    except ValidationError as bad:
        raise ModelFault(f"{card.identity}: the card's options are malformed: {bad}") from bad
    detector = YuNet(_part(card, options.detector.file, "detector"), threads=threads, providers=providers)
    embedder = OnnxEmbedder(_part(card, options.embedder.file, "embedder"), threads=threads, providers=providers)
    return CardFaces(detector, embedder, card.identity)


def _part(card: Card, file: str, name: str) -> Card:
    """The card of one of the halves."""
    if file not in card.files:
        raise ModelFault(f"{card.identity}: the {name} is {file}, which the card does not list")
    part: Mapping[str, Any] = card.options[name]
    options = {key: value for key, value in part.items() if key != "file"}
    return card.model_copy(update={"files": {file: card.files[file]}, "options": options})


FACE_RECOGNITION = Task(
    "face-recognition",
    "Finds faces and embeds each as 128 numbers: a detector and an embedder in one card.",
    open_faces,
    options=(FaceRecognitionOptions,),
)
