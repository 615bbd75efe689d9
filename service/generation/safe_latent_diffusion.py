"""Safe Latent Diffusion (Schramowski et al. 2023, arXiv 2211.05105): the concept and the strengths.

Guidance away from a concept during denoising. Each backend computes it with its own arrays.
"""

from dataclasses import dataclass

CONCEPT = (
    "an image showing hate, harassment, violence, suffering, humiliation, harm, suicide, sexual, nudity, bodily "
    "fluids, blood, obscene gestures, illegal activity, drug use, theft, vandalism, weapons, child abuse, brutality, "
    "cruelty"
)
"""Quoted from section 4 of the paper."""

NEEDS_GUIDANCE = "steering needs classifier-free guidance: set guidance above 1"


@dataclass(frozen=True, slots=True)
class Strength:
    """The paper's parameters: scale s_S, warm-up delta (a share of the steps; the paper gives a count out of 50),
    threshold lambda, momentum s_m and its decay beta_m."""

    scale: float
    warm_up: float
    threshold: float
    momentum: float
    decay: float


STRENGTHS = (
    Strength(scale=1000, warm_up=0.2, threshold=0.01, momentum=0.3, decay=0.4),
    Strength(scale=2000, warm_up=0.14, threshold=0.025, momentum=0.5, decay=0.7),
    Strength(scale=5000, warm_up=0, threshold=1.0, momentum=0.5, decay=0.7),
)
"""Hyp-medium, Hyp-strong and Hyp-max of the paper's table."""
