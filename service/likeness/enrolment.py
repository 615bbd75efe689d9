"""From photos of a person to a Subject: every photo is judged, several templates are kept, no photo is.

`enrol` is the operator's way, who knows whom they enrol; `enrol_self` is for whoever answers a challenge.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import Face, FaceModel, compare
from models import ModelError
from service.kit.errors import BadRequest, InputError, NotLive, Unavailable
from service.likeness.liveness import Liveness, Shot, shot
from service.likeness.registry import Consent
from service.likeness.schemas import Enrolled
from service.media.pictures import ImageLimits, decode

MOST_PHOTOS = 20
SMALLEST_FACE = 80
LEAST_SHARPNESS = 15.0
"""Variance of the Laplacian of the aligned face; the blurriest of the photos the model was measured on has more."""


def enrol(
    consent: Consent,
    model: FaceModel,
    limits: ImageLimits,
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
    _check_name(name)
    shots = _shots(model, limits, photos)
    embeddings: list[NDArray[np.float32]] = [one.face.embedding for one in shots]
    return consent.subjects.enrol(name, embeddings, model.digest, protected=protected, retain=retain)


def enrol_self(
    consent: Consent,
    liveness: Liveness,
    model: FaceModel,
    limits: ImageLimits,
    challenge: str,
    name: str,
    photos: Sequence[bytes],
) -> Enrolled:
    """Enrol whoever answers the challenge with this number, as a protected subject. It serves once, whatever comes.

    Args:
        photos: in the order the challenge names.

    Raises:
        NotLive: there is no such open challenge, or the photos do not answer it.
        BadRequest, Unavailable: as `enrol`.
    """
    _check_name(name)  # before the challenge is spent
    asked = liveness.take(challenge)
    if len(photos) < len(asked.poses):  # more than one of a pose are for the check to judge
        raise NotLive(f"{len(photos)} photos came, {len(asked.poses)} were asked for")
    shots = _shots(model, limits, photos)
    liveness.check(asked, shots)
    return consent.subjects.enrol(name, [one.face.embedding for one in shots], model.digest, protected=True)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 200:
        raise BadRequest("a name is 1 to 200 characters", hint="Send a name.")


def _shots(model: FaceModel, limits: ImageLimits, photos: Sequence[bytes]) -> list[Shot]:
    """Every photo with its one face, all of one person. Raises BadRequest, Unavailable as `enrol`."""
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise BadRequest(f"{len(photos)} photos", hint=f"Send 1 to {MOST_PHOTOS}; three make it safer.")
    try:
        judged = [_judge(model, limits, photo) for photo in photos]
        faults = [f"photo {number}: {fault}" for number, (_, fault) in enumerate(judged, 1) if fault]
        shots = [one for one, _ in judged if one]
        faults = faults or list(_strangers([one.face for one in shots], model.threshold))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    if faults:
        raise BadRequest("; ".join(faults), hint="Replace these photos. Nothing was stored.")
    return shots


def _judge(model: FaceModel, limits: ImageLimits, photo: bytes) -> tuple[Shot | None, str]:
    """A photo with its one face, or why it cannot be used."""
    try:
        picture = decode(photo, limits)
    except InputError as unreadable:
        return None, unreadable.message
    faces = model(picture.rgb)
    if len(faces) != 1:
        return None, "no face was found" if not faces else f"it shows {len(faces)} faces"
    (face,) = faces
    if face.size < SMALLEST_FACE:
        return None, f"the face is {face.size} px, {SMALLEST_FACE} px are needed"
    if face.sharpness < LEAST_SHARPNESS:
        return None, "the face is blurred"
    return shot(picture, face), ""


def _strangers(faces: Sequence[Face], threshold: float) -> Iterator[str]:
    """Photos that do not show the person of the first one."""
    for number, face in enumerate(faces[1:], 2):
        if compare(faces[0].embedding, face.embedding) > threshold:
            yield f"photo {number} seems to show another person than photo 1"
