"""Faces that an adapter must not reproduce."""

from dataclasses import dataclass

from detectors import Templates


@dataclass(frozen=True, slots=True)
class ExcludedFaces:
    """The faces in an adapter's training samples; `model` is the digest of the face model that embedded them."""

    adapter: str
    model: str
    faces: Templates
