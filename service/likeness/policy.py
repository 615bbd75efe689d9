"""What a face's distances to protected people mean: pure functions, no IO."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LikenessLimits:
    """Distances up to which a face refuses a picture, and up to which a person has to look."""

    refuse: float
    review: float

    @property
    def furthest(self) -> float:
        return max(self.refuse, self.review)


@dataclass(frozen=True, slots=True)
class LikenessDecision:
    """The subject that refuses the picture, or that it is held for; neither: it passes."""

    refused: str | None = None
    held: str | None = None


def likeness(near: Mapping[str, float], granted: Collection[str], limits: LikenessLimits) -> LikenessDecision:
    """What one face means, from its distance to each subject near it. The nearest subject is whose face it is."""
    if not near:
        return LikenessDecision()
    subject = min(near, key=lambda one: (near[one], one))
    if subject in granted:
        return LikenessDecision()
    return LikenessDecision(refused=subject) if near[subject] <= limits.refuse else LikenessDecision(held=subject)
