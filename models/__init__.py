"""Model cards, weights checked by SHA-256, and ONNX sessions. The leaf package: it imports nothing of ours."""

from models import hub
from models.cards import Card, Task, all_cards, find_card
from models.errors import DigestMismatch, ModelError, ModelFault, ModelMissing
from models.export import ModelFolder, export
from models.pull import pull
from models.sessions import CPU, Session

__all__ = [
    "CPU",
    "Card",
    "DigestMismatch",
    "ModelError",
    "ModelFault",
    "ModelFolder",
    "ModelMissing",
    "Session",
    "Task",
    "all_cards",
    "export",
    "find_card",
    "hub",
    "pull",
]
