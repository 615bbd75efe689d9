"""The stages of the gateway: one module a stage, and the sealed types that they hand on.

    Order -> admit -> render -> screen -> mark -> sign -> prove -> issue -> Released

Importing this package loads every stage, so each constructor is claimed before anything else can reach the types.
"""

from service.gateway.stages.admit import AdmitStage
from service.gateway.stages.issue import IssueStage
from service.gateway.stages.mark import MarkStage
from service.gateway.stages.prove import ProveStage
from service.gateway.stages.render import RenderStage
from service.gateway.stages.screen import ScreenStage
from service.gateway.stages.sealing import claim_constructor, require_sealed
from service.gateway.stages.sign import SignStage
from service.gateway.stages.types import (
    Admitted,
    Cleared,
    Draft,
    Imprint,
    Marked,
    Proven,
    Released,
    Review,
    Signed,
)

__all__ = [
    "AdmitStage",
    "Admitted",
    "Cleared",
    "Draft",
    "Imprint",
    "IssueStage",
    "MarkStage",
    "Marked",
    "ProveStage",
    "Proven",
    "Released",
    "RenderStage",
    "Review",
    "ScreenStage",
    "SignStage",
    "Signed",
    "claim_constructor",
    "require_sealed",
]
