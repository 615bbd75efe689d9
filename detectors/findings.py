"""One detector's evidence about one image."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The `score` in [0, 1] for `label` by `detector`, running `model` with weights `digest` (SHA-256, hex)."""

    detector: str
    label: str
    score: float
    model: str
    digest: str
