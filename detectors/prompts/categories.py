"""The categories of prompt screening."""

from typing import Literal, get_args

Learned = Literal["sexual", "violence", "self_harm", "hate", "harassment", "shocking", "illegal"]
"""Categories that the classifier scores, after I2P (https://arxiv.org/abs/2211.05105)."""

Category = Learned | Literal["sexual_minors", "named_person"]
"""The classifier's categories and two that only rules detect: one lacks data, the other depends on the operator."""

LEARNED: tuple[Learned, ...] = get_args(Learned)
