"""Evidence from pixels and metadata. Detectors find; they never decide."""

from detectors.declared import Declaration, Metadata, declarations
from detectors.faces import DlibFaces, Face, FaceModel, Match, Templates, compare
from detectors.findings import Finding
from detectors.safety import OpenNsfw
from detectors.similarity import Fingerprint, distance, fingerprint
from detectors.synthetic import OUT_OF_SCOPE, Encoder, Inference, Synthetic

__all__ = [
    "OUT_OF_SCOPE",
    "Declaration",
    "DlibFaces",
    "Encoder",
    "Face",
    "FaceModel",
    "Finding",
    "Fingerprint",
    "Inference",
    "Match",
    "Metadata",
    "OpenNsfw",
    "Synthetic",
    "Templates",
    "compare",
    "declarations",
    "distance",
    "fingerprint",
]
