"""Detection of synthetic images: classifiers, their calibration for each kind of image, and where they are valid."""

from detectors.synthetic.calibration import Histograms, calibrated_histograms
from detectors.synthetic.detector import Inference, KindRates, Prepared, Synthetic
from detectors.synthetic.encoder import IMAGE_FEATURES, Encoder
from detectors.synthetic.kinds import KINDS, PHOTOGRAPHIC
from detectors.synthetic.member import SYNTHETIC_DETECTION, Member, MemberOptions
from detectors.synthetic.scope import OUT_OF_SCOPE

__all__ = [
    "IMAGE_FEATURES",
    "KINDS",
    "OUT_OF_SCOPE",
    "PHOTOGRAPHIC",
    "SYNTHETIC_DETECTION",
    "Encoder",
    "Histograms",
    "Inference",
    "KindRates",
    "Member",
    "MemberOptions",
    "Prepared",
    "Synthetic",
    "calibrated_histograms",
]
