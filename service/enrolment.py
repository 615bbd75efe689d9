"""From photos of a person to a Subject: every photo is judged, several templates are kept, no photo is."""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import Face, FaceModel, compare
from models import ModelError
from service.consent import Consent, Enrolled
from service.errors import BadRequest, InputError, Unavailable
from service.pictures import Limits, decode

MOST_PHOTOS = 20
SMALLEST_FACE = 80
LEAST_SHARPNESS = 15.0
"""Variance of the Laplacian of the aligned face; the blurriest of the photos the model was measured on has more."""


def enrol(
    consent: Consent,
    model: FaceModel,
    limits: Limits,
    name: str,
    photos: Sequence[bytes],
    *,
    protected: bool = True,
    retain: dt.timedelta | None = None,
) -> Enrolled:
    """Enrol a person from photos that show them alone.

    Raises:
        BadRequest: a photo cannot be used; the message says which and why, and nothing is stored.
        Unavailable: the face model failed, or the subject could not be stored.
    """
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise BadRequest(f"{len(photos)} photos", hint=f"Send 1 to {MOST_PHOTOS}; three make it safer.")
    if not 0 < len(name) <= 200:
        raise BadRequest("a name is 1 to 200 characters", hint="Send a name.")
    try:
        judged = [_judge(model, limits, photo) for photo in photos]
        faults = [f"photo {number}: {fault}" for number, (_, fault) in enumerate(judged, 1) if fault]
        faces = [face for face, _ in judged if face]
        faults = faults or list(_strangers(faces, model.threshold))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    if faults:
        raise BadRequest("; ".join(faults), hint="Replace these photos. Nothing was stored.")
    embeddings: list[NDArray[np.float32]] = [face.embedding for face in faces]
    return consent.enrol(name, embeddings, model.digest, protected=protected, retain=retain)


def _judge(model: FaceModel, limits: Limits, photo: bytes) -> tuple[Face | None, str]:
    """The one face of a photo, or why it cannot be used."""
    try:
        faces = model(decode(photo, limits).rgb)
    except InputError as unreadable:
        return None, unreadable.message
    if len(faces) != 1:
        return None, "no face was found" if not faces else f"it shows {len(faces)} faces"
    (face,) = faces
    if face.size < SMALLEST_FACE:
        return None, f"the face is {face.size} px, {SMALLEST_FACE} px are needed"
    if face.sharpness < LEAST_SHARPNESS:
        return None, "the face is blurred"
    return face, ""


def _strangers(faces: Sequence[Face], threshold: float) -> Iterator[str]:
    """Photos that do not show the person of the first one."""
    for number, face in enumerate(faces[1:], 2):
        if compare(faces[0].embedding, face.embedding) > threshold:
            yield f"photo {number} seems to show another person than photo 1"
