"""One detector's evidence about one image."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What `detector`, running `model` with weights `digest`, gave: `score` in [0, 1] for `label`."""

    detector: str
    label: str
    score: float
    model: str
    digest: str
