"""Evidence from pixels, prompts and metadata. Detectors report findings; they never decide."""

from detectors.declared.declarations import Declaration, declarations
from detectors.declared.metadata import Metadata
from detectors.declared.reading import read as read_metadata
from detectors.faces import (
    DIMENSIONS,
    FACE_COMPARISON,
    FACE_DETECTION,
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
from detectors.safety.task import IMAGE_SAFETY
from detectors.similarity.fingerprint import Fingerprint, distance, fingerprint
from detectors.similarity.hamming import Hashes
from detectors.similarity.variants import listings, looks, variants
from detectors.synthetic import (
    IMAGE_FEATURES,
    OUT_OF_SCOPE,
    SYNTHETIC_DETECTION,
    Encoder,
    Inference,
    Member,
    MemberOptions,
    Prepared,
    Synthetic,
)

__all__ = [
    "DIMENSIONS",
    "FACE_COMPARISON",
    "FACE_DETECTION",
    "IMAGE_FEATURES",
    "IMAGE_SAFETY",
    "OUT_OF_SCOPE",
    "SYNTHETIC_DETECTION",
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
    "read_metadata",
    "variants",
]
