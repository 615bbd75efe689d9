"""Who made an image, with what and when: what its labels and its manifest say alike."""

import datetime as dt
from typing import TypedDict

from service import SYSTEM_NAME, __version__
from service.gateway.stages.types import Admitted


class Attribution(TypedDict):
    """Fields of `labels.profile.Facts` and of `watermark.c2pa.manifest.Statement`."""

    content_id: str
    created_at: dt.datetime
    provider: str
    system: str
    system_version: str
    model: str
    model_version: str


def attribution(admitted: Admitted, provider: str) -> Attribution:
    """Of the image that an admitted order becomes. `provider`: the operator's name."""
    return {
        "content_id": admitted.content_id,
        "created_at": admitted.created_at,
        "provider": provider,
        "system": SYSTEM_NAME,
        "system_version": __version__,
        "model": admitted.model.name,
        "model_version": admitted.model.version,
    }
