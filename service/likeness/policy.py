"""The decision about one face from its distances to protected people. Pure functions, no I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LikenessLimits:
    """Face distances up to which an image is refused, and up to which it is held for review."""

    refuse: float
    review: float

    @property
    def furthest(self) -> float:
        return max(self.refuse, self.review)


@dataclass(frozen=True, slots=True)
class LikenessDecision:
    """The subject because of whom the image is refused or held; neither: the face passes."""

    refused: str | None = None
    held: str | None = None


def likeness(near: Mapping[str, float], granted: Collection[str], limits: LikenessLimits) -> LikenessDecision:
    """Decide about one face from its distance to each nearby subject. The nearest subject is taken as the person."""
    if not near:
        return LikenessDecision()
    subject = min(near, key=lambda one: (near[one], one))
    if subject in granted:
        return LikenessDecision()
    return LikenessDecision(refused=subject) if near[subject] <= limits.refuse else LikenessDecision(held=subject)
