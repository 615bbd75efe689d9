"""The task image-safety: classifiers and object detectors that an operator adds as safety checkers."""

from collections.abc import Sequence

from detectors.safety.box_card import BoxCard, BoxOptions
from detectors.safety.classifier_card import SafetyCard, SafetyOptions
from models import CPU, Card, Task


def open_checker(card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> SafetyCard | BoxCard:
    """An object detector if the card's options say `"output": "boxes"`, else a classifier.

    Raises:
        ModelMissing, DigestMismatch, ModelFault: as `SafetyCard` and `BoxCard`.
    """
    kind = BoxCard if card.options.get("output") == "boxes" else SafetyCard
    return kind(card, threads=threads, providers=providers)


IMAGE_SAFETY = Task(
    "image-safety",
    "Scores how unsafe an image is. Every such card is one more safety checker.",
    open_checker,
    options=(SafetyOptions, BoxOptions),
)
