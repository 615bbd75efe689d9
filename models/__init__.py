"""Model cards, weights verified by SHA-256, and ONNX sessions. A leaf package: it imports no other package of ours."""

from models import hub
from models.cards import Card, TaskName, all_cards, find_card
from models.errors import DigestMismatch, ModelError, ModelFault, ModelMissing
from models.export import ModelFolder, export
from models.pull import pull
from models.sessions import CPU, Session
from models.tasks import TASKS, Task
from models.updates import Installed, installed, remove_others

__all__ = [
    "CPU",
    "TASKS",
    "Card",
    "DigestMismatch",
    "Installed",
    "ModelError",
    "ModelFault",
    "ModelFolder",
    "ModelMissing",
    "Session",
    "Task",
    "TaskName",
    "all_cards",
    "export",
    "find_card",
    "hub",
    "installed",
    "pull",
    "remove_others",
]
