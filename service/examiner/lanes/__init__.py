"""The lanes of evidence, a module or package each. Examiner, report, documentation and command line read this list."""

from typing import Any

from service.examiner.lanes.claimed.lane import ClaimedLane
from service.examiner.lanes.declared import DeclaredLane
from service.examiner.lanes.foreign import ForeignLane
from service.examiner.lanes.inferred import InferredLane
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.lanes.marked import MarkedLane
from service.examiner.lanes.matched import MatchedLane
from service.examiner.lanes.recovered import RecoveredLane

LANES: tuple[type[Lane[Any]], ...] = (
    ClaimedLane,
    RecoveredLane,
    DeclaredLane,
    MarkedLane,
    ForeignLane,
    MatchedLane,
    InferredLane,
)
"""In the order of the report."""

__all__ = ["LANES", "Finding", "Lane"]
