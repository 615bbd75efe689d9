"""Is this picture synthetic? Two classifiers, their calibration, and when not to believe them."""

from detectors.synthetic.detector import Inference, Prepared, Synthetic
from detectors.synthetic.encoder import Encoder
from detectors.synthetic.member import Member, MemberOptions
from detectors.synthetic.scope import OUT_OF_SCOPE

__all__ = ["OUT_OF_SCOPE", "Encoder", "Inference", "Member", "MemberOptions", "Prepared", "Synthetic"]
