"""Evidence from pixels and metadata. Detectors find; they never decide."""

from detectors.declared import Declaration, Metadata, declarations
from detectors.findings import Finding
from detectors.safety import OpenNsfw
from detectors.similarity import Fingerprint, distance, fingerprint
from detectors.synthetic import OUT_OF_SCOPE, Encoder, Inference, Member, MemberOptions, Prepared, Synthetic

__all__ = [
    "OUT_OF_SCOPE",
    "Declaration",
    "Encoder",
    "Finding",
    "Fingerprint",
    "Inference",
    "Member",
    "MemberOptions",
    "Metadata",
    "OpenNsfw",
    "Prepared",
    "Synthetic",
    "declarations",
    "distance",
    "fingerprint",
]
