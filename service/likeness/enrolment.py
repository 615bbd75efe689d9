"""From photos of a person to a Subject: every photo is checked, its template is kept, the photo is not.

`enrol` is for the operator, who knows whom they enrol; `enrol_self` is for people who answer a challenge.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import Face, FaceModel, at_all_turns, compare
from models import ModelError
from service.kit.errors import BadRequest, InputError, NotLive, Unavailable
from service.likeness.liveness import Liveness, Shot, shot
from service.likeness.registry import Consent
from service.likeness.schemas import Enrolled
from service.media.pictures import ImageLimits, decode

MOST_PHOTOS = 20
SMALLEST_FACE = 80
LEAST_SHARPNESS = 15.0
"""Variance of the Laplacian of the aligned face; the blurriest photo that the model was measured on has more."""


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
    """Enrol a person from photos that show nobody else.

    Raises:
        BadRequest: a photo cannot be used; the message says which one and why, and nothing is stored.
        Unavailable: the face model failed, or the subject could not be stored.
    """
    _check_name(name)
    shots = _shots(model, limits, photos)
    embeddings: list[NDArray[np.float32]] = [one.face.embedding for one in shots]
    return consent.subjects.enrol(name, embeddings, model.digest, protected=protected, retain=retain)


def re_enrol(
    consent: Consent,
    model: FaceModel,
    limits: ImageLimits,
    subject: str,
    photos: Sequence[bytes],
    *,
    keep_others: bool = False,
) -> int:
    """Replace the templates of an enrolled person by those of new photos, as after a change of the face model.

    That the photos show this person is for the operator to know: templates of two models cannot be compared.
    `keep_others`: see `Subjects.re_enrol`.

    Returns:
        The number of templates.

    Raises:
        NotFound: the subject is erased or never existed.
        BadRequest, Unavailable: as `enrol`.
    """
    consent.subjects.name(subject)  # before the photos are searched for faces
    shots = _shots(model, limits, photos)
    embeddings = [one.face.embedding for one in shots]
    return consent.subjects.re_enrol(subject, embeddings, model.digest, keep_others=keep_others)


def enrol_self(
    consent: Consent,
    liveness: Liveness,
    model: FaceModel,
    limits: ImageLimits,
    challenge: str,
    name: str,
    photos: Sequence[bytes],
) -> Enrolled:
    """Enrol the person who answers the challenge with this id, as a protected subject. It allows one attempt.

    Args:
        photos: in the order that the challenge names.

    Raises:
        NotLive: there is no such open challenge, or the photos do not answer it.
        BadRequest, Unavailable: as `enrol`.
    """
    _check_name(name)  # before the challenge is spent
    taken = liveness.take(challenge)
    if len(photos) < len(taken.poses):  # whether there may be more is for the check to decide
        raise NotLive(f"{len(photos)} photos were sent, {len(taken.poses)} are needed")
    shots = _shots(model, limits, photos)
    liveness.check(taken, shots)
    return consent.subjects.enrol(name, [one.face.embedding for one in shots], model.digest, protected=True)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 200:
        raise BadRequest("a name has 1 to 200 characters", hint="Send a name.")


def _shots(model: FaceModel, limits: ImageLimits, photos: Sequence[bytes]) -> list[Shot]:
    """Every photo with its one face, all of one person. Raises BadRequest, Unavailable as `enrol`."""
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise BadRequest(f"{len(photos)} photos were sent", hint=f"Send 1 to {MOST_PHOTOS}; three or more work best.")
    try:
        checked = [_check(model, limits, photo) for photo in photos]
        faults = [f"photo {number}: {fault}" for number, (_, fault) in enumerate(checked, 1) if fault]
        shots = [one for one, _ in checked if one]
        faults = faults or list(_strangers([one.face for one in shots], model.threshold))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    if faults:
        raise BadRequest("; ".join(faults), hint="Replace these photos. Nothing was stored.")
    return shots


def _check(model: FaceModel, limits: ImageLimits, photo: bytes) -> tuple[Shot | None, str]:
    """A photo with its one face, or why it cannot be used."""
    try:
        picture = decode(photo, limits)
    except InputError as unreadable:
        return None, unreadable.message
    faces = at_all_turns(model, picture.rgb)
    if len(faces) != 1:
        return None, "no face was found" if not faces else f"it shows {len(faces)} faces"
    (face,) = faces
    if face.size < SMALLEST_FACE:
        return None, f"the face has {face.size} px, but needs {SMALLEST_FACE} px"
    if face.sharpness < LEAST_SHARPNESS:
        return None, "the face is blurred"
    return shot(picture, face), ""


def _strangers(faces: Sequence[Face], threshold: float) -> Iterator[str]:
    """Photos that do not show the same person as the first."""
    for number, face in enumerate(faces[1:], 2):
        if compare(faces[0].embedding, face.embedding) > threshold:
            yield f"photo {number} seems to show a different person than photo 1"
