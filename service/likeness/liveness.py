"""Is a living person in front of the camera? A hook for whoever can tell, and a challenge that makes cheating harder.

`PoseSequence` asks for photos with the head turned in an order that nobody knows before. It raises the effort; it does
not prove life: printed photos, screens and generated pictures pass if they show the poses. Who needs proof puts a
vendor's check behind `Liveness`.
"""

import datetime as dt
import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from detectors import Face, Fingerprint, distance, looks
from service.kit.case_numbers import fresh_reference
from service.kit.errors import NotLive
from service.media.pictures import Picture
from service.moderation.hash_lists import LEAST_QUALITY
from service.storage import challenges, writing

Pose = Literal["front", "left", "right"]
POSES: tuple[Pose, ...] = get_args(Pose)

PHOTOS = 4
LASTS = dt.timedelta(minutes=5)

FRONT, TURNED = 0.06, 0.10
"""|Face.turn| up to which a head looks straight, and from which it is turned; between them it is neither. Chosen by
the figures in models/cards/dlib-faces.md: the detector loses a face at about 0.2."""

MIRRORED_BITS = 48
"""PDQ distance up to which a photo is the mirrored copy of another; the figures are in the same card."""


class Challenge(BaseModel):
    """What is asked of a person: one photo for each pose, in this order."""

    model_config = ConfigDict(frozen=True)

    id: str
    poses: tuple[Pose, ...] = Field(
        description="`left`: the nose points to the left edge of the picture as it is sent, `right` to the right edge."
    )
    expires_at: str


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A photo that answers a challenge, and the one face on it.

    `data` is the file, `pixels` the SHA-256 of what it shows. `looks` and `mirrored` are the PDQ hashes
    (`detectors.looks`) of the picture and of its mirror image: whole, its middle, and without an even border.
    """

    data: bytes
    face: Face
    pixels: str
    looks: tuple[Fingerprint, ...]
    mirrored: tuple[Fingerprint, ...]


class Liveness(Protocol):
    """Asks for photos, and judges whether those that came answer it."""

    @property
    def most_photos(self) -> int:
        """How many photos an answer may have; no more are read."""

    def challenge(self) -> Challenge:
        """A new challenge. Raises Unavailable."""

    def take(self, number: str) -> Challenge:
        """End the challenge with this number, whatever follows: it serves for one attempt.

        Raises:
            NotLive: there is none, it was taken before, or it has expired.
            Unavailable: that could not be found out.
        """

    def check(self, challenge: Challenge, shots: Sequence[Shot]) -> None:
        """Judge the photos, in the order they came. That they show one person has been checked.

        Raises:
            NotLive: they do not answer the challenge; the message says which and why.
            Unavailable: that could not be found out.
        """


class PoseSequence:
    """Asks for turns of the head. Challenges lie in the database: any process may answer what another asked."""

    most_photos = PHOTOS

    def __init__(self, engine: Engine, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._engine = engine
        self._clock = clock

    def challenge(self) -> Challenge:
        """Four poses, neighbours different, for five minutes. Raises Unavailable."""
        now = self._clock()
        asked = Challenge(id=fresh_reference("L"), poses=_sequence(), expires_at=_stamp(now + LASTS))
        row = {**asked.model_dump(), "poses": " ".join(asked.poses)}
        with writing(self._engine) as connection:
            connection.execute(challenges.delete().where(challenges.c.expires_at <= _stamp(now)))
            connection.execute(challenges.insert().values(**row))
        return asked

    def take(self, number: str) -> Challenge:
        """See `Liveness`."""
        this = challenges.c.id == number
        with writing(self._engine) as connection:
            row = connection.execute(challenges.select().where(this)).first()
            deleted = connection.execute(challenges.delete().where(this)).rowcount
        if row is None or deleted != 1:  # another process may have taken it between the two
            raise NotLive("there is no such challenge, or it was answered before")
        if row.expires_at <= _stamp(self._clock()):
            raise NotLive("the challenge has expired")
        return Challenge(id=row.id, poses=row.poses.split(), expires_at=row.expires_at)

    def check(self, challenge: Challenge, shots: Sequence[Shot]) -> None:
        """See `Liveness`."""
        if len(shots) != len(challenge.poses):
            raise NotLive(f"{len(shots)} photos came, {len(challenge.poses)} were asked for")
        if faults := [*_wrong_poses(challenge.poses, shots), *_plain(shots), *_copies(shots)]:
            raise NotLive("; ".join(faults))


def shot(picture: Picture, face: Face) -> Shot:
    """The evidence of one photo."""
    pixels = hashlib.sha256(picture.rgb.data).hexdigest()
    mirror = np.ascontiguousarray(picture.rgb[:, ::-1])
    return Shot(picture.data, face, pixels, tuple(looks(picture.rgb)), tuple(looks(mirror)))


def mirrors(one: Shot, other: Shot) -> bool:
    """One photo is the mirrored copy of the other, resized, recompressed, or with its middle cut out."""
    pairs = itertools.product(_featured(one.mirrored), _featured(other.looks))
    return any(distance(a.bits, b.bits) <= MIRRORED_BITS for a, b in pairs)


def pose(turn: float) -> Pose | None:
    """The pose of a head by `Face.turn`; None where it is neither straight nor clearly turned, or unknown (NaN)."""
    if abs(turn) <= FRONT:
        return "front"
    if abs(turn) >= TURNED:
        return "left" if turn < 0 else "right"
    return None


def _sequence() -> tuple[Pose, ...]:
    """One of the 24 sequences of four poses whose neighbours differ, each as likely."""
    drawn = [secrets.choice(POSES)]
    while len(drawn) < PHOTOS:
        drawn.append(secrets.choice([other for other in POSES if other != drawn[-1]]))
    return tuple(drawn)


def _wrong_poses(asked: Sequence[Pose], shots: Sequence[Shot]) -> Iterator[str]:
    for number, (wanted, one) in enumerate(zip(asked, shots, strict=True), 1):
        seen = pose(one.face.turn)
        if seen != wanted:
            yield f"photo {number} should look {wanted}, it looks {seen or 'neither straight nor clearly aside'}"


def _plain(shots: Sequence[Shot]) -> Iterator[str]:
    """Photos without features: their hashes cannot tell whether one is a copy of another."""
    for number, one in enumerate(shots, 1):
        if not _featured(one.looks[:1]) or not _featured(one.mirrored[:1]):  # the whole pictures
            yield f"photo {number} is too plain to be compared with the others"


def _copies(shots: Sequence[Shot]) -> Iterator[str]:
    for (first, one), (second, other) in itertools.combinations(enumerate(shots, 1), 2):
        if one.pixels == other.pixels:
            yield f"photo {second} is photo {first} again"
        elif mirrors(one, other):
            yield f"photo {second} is photo {first} mirrored"


def _featured(hashes: Sequence[Fingerprint]) -> list[Fingerprint]:
    return [one for one in hashes if one.quality >= LEAST_QUALITY]


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
