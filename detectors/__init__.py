"""Evidence from pixels and metadata. Detectors find; they never decide."""

from detectors.box_card import BoxCard, BoxOptions
from detectors.declared import Declaration, Metadata, declarations
from detectors.faces import (
    DIMENSIONS,
    CardFaces,
    DlibFaces,
    Face,
    FaceModel,
    Match,
    OnnxEmbedder,
    Templates,
    YuNet,
    compare,
)
from detectors.findings import Finding
from detectors.hamming import nearest, pack
from detectors.safety import OpenNsfw
from detectors.safety_card import SafetyCard, SafetyOptions
from detectors.similarity import Fingerprint, distance, fingerprint
from detectors.synthetic import OUT_OF_SCOPE, Encoder, Inference, Member, MemberOptions, Prepared, Synthetic
from detectors.variants import listings, looks, variants

__all__ = [
    "DIMENSIONS",
    "OUT_OF_SCOPE",
    "BoxCard",
    "BoxOptions",
    "CardFaces",
    "Declaration",
    "DlibFaces",
    "Encoder",
    "Face",
    "FaceModel",
    "Finding",
    "Fingerprint",
    "Inference",
    "Match",
    "Member",
    "MemberOptions",
    "Metadata",
    "OnnxEmbedder",
    "OpenNsfw",
    "Prepared",
    "SafetyCard",
    "SafetyOptions",
    "Synthetic",
    "Templates",
    "YuNet",
    "compare",
    "declarations",
    "distance",
    "fingerprint",
    "listings",
    "looks",
    "nearest",
    "pack",
    "variants",
]
