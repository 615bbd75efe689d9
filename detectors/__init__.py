"""Evidence from pixels and metadata. Detectors find; they never decide."""

from detectors.declared import Declaration, Metadata, declarations
from detectors.findings import Finding
from detectors.safety import OpenNsfw
from detectors.similarity import Fingerprint, distance, fingerprint

__all__ = [
    "Declaration",
    "Finding",
    "Fingerprint",
    "Metadata",
    "OpenNsfw",
    "declarations",
    "distance",
    "fingerprint",
]
