"""Faces that must not come out of an adapter."""

from dataclasses import dataclass

from detectors import Templates


@dataclass(frozen=True, slots=True)
class ExcludedFaces:
    """Faces of an adapter's samples, by the face model with this digest."""

    adapter: str
    model: str
    faces: Templates
