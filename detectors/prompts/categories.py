"""What a prompt can be screened for."""

from typing import Literal, get_args

Learned = Literal["sexual", "violence", "self_harm", "hate", "harassment", "shocking", "illegal"]
"""Categories that the classifier scores, after I2P (https://arxiv.org/abs/2211.05105)."""

Category = Learned | Literal["sexual_minors", "named_person"]
"""The classifier's categories and two for rules alone: no data for the one, operators' lists for the other."""

LEARNED: tuple[Learned, ...] = get_args(Learned)
