"""Evidence from pixels, prompts and metadata. Detectors report findings; they never decide.

Loaded when first asked for: processes that only read metadata (`detectors.declared`) have no use for models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.declared.declarations import Declaration, aigc_label, declarations
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
        at_all_turns,
        by_turn,
        compare,
        merged,
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
    "aigc_label",
    "at_all_turns",
    "by_turn",
    "compare",
    "declarations",
    "distance",
    "fingerprint",
    "listings",
    "looks",
    "merged",
    "read_metadata",
    "variants",
]

_OTHER_NAMES = {"read_metadata": "read"}
_MODULES = {
    "detectors.declared.declarations": ("Declaration", "aigc_label", "declarations"),
    "detectors.declared.metadata": ("Metadata",),
    "detectors.declared.reading": ("read",),
    "detectors.faces": (
        "DIMENSIONS",
        "FACE_COMPARISON",
        "FACE_DETECTION",
        "CardFaces",
        "DlibFaces",
        "Face",
        "FaceMatch",
        "FaceModel",
        "OnnxEmbedder",
        "Templates",
        "YuNet",
        "at_all_turns",
        "by_turn",
        "compare",
        "merged",
    ),
    "detectors.findings": ("Finding",),
    "detectors.safety.box_card": ("BoxCard", "BoxOptions"),
    "detectors.safety.classifier_card": ("SafetyCard", "SafetyOptions"),
    "detectors.safety.open_nsfw": ("OpenNsfw",),
    "detectors.safety.task": ("IMAGE_SAFETY",),
    "detectors.similarity.fingerprint": ("Fingerprint", "distance", "fingerprint"),
    "detectors.similarity.hamming": ("Hashes",),
    "detectors.similarity.variants": ("listings", "looks", "variants"),
    "detectors.synthetic": (
        "IMAGE_FEATURES",
        "OUT_OF_SCOPE",
        "SYNTHETIC_DETECTION",
        "Encoder",
        "Inference",
        "Member",
        "MemberOptions",
        "Prepared",
        "Synthetic",
    ),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    found = _OTHER_NAMES.get(name, name)
    if name not in __all__ or found not in _WHERE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(_WHERE[found]), found)
