"""Evidence from pixels and metadata. Detectors find; they never decide."""

from detectors.declared.metadata import Declaration, Metadata, declarations
from detectors.faces import (
    DIMENSIONS,
    CardFaces,
    DlibFaces,
    Face,
    FaceMatch,
    FaceModel,
    OnnxEmbedder,
    Templates,
    YuNet,
    compare,
)
from detectors.findings import Finding
from detectors.safety.box_card import BoxCard, BoxOptions
from detectors.safety.classifier_card import SafetyCard, SafetyOptions
from detectors.safety.open_nsfw import OpenNsfw
from detectors.similarity.fingerprint import Fingerprint, distance, fingerprint
from detectors.similarity.hamming import Hashes, nearest, pack
from detectors.similarity.variants import listings, looks, variants
from detectors.synthetic import OUT_OF_SCOPE, Encoder, Inference, Member, MemberOptions, Prepared, Synthetic

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
    "FaceMatch",
    "FaceModel",
    "Finding",
    "Fingerprint",
    "Hashes",
    "Inference",
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
