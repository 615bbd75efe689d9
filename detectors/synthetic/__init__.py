"""Detection of synthetic images: two classifiers, their calibration, and the scope in which they are valid."""

from detectors.synthetic.detector import Inference, Prepared, Synthetic
from detectors.synthetic.encoder import IMAGE_FEATURES, Encoder
from detectors.synthetic.member import SYNTHETIC_DETECTION, Member, MemberOptions
from detectors.synthetic.scope import OUT_OF_SCOPE

__all__ = [
    "IMAGE_FEATURES",
    "OUT_OF_SCOPE",
    "SYNTHETIC_DETECTION",
    "Encoder",
    "Inference",
    "Member",
    "MemberOptions",
    "Prepared",
    "Synthetic",
]
