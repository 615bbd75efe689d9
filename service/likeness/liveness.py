"""Is a living person in front of the camera? An interface for checks, and a challenge that makes cheating harder.

`PoseSequence` asks for photos with the head turned in an order that is not known beforehand. It raises the effort; it
does not prove liveness: printed photos, screens and generated images pass if they show the poses. If you need proof,
implement `Liveness` with a vendor's check.
"""

import datetime as dt
import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from detectors import Face, Fingerprint, distance, looks
from service.kit.case_numbers import new_case_number
from service.kit.clock import stamp, utc_now
from service.kit.errors import NotLive
from service.ledger.ledger import Ledger
from service.media.pictures import Picture
from service.moderation.hash_lists import LEAST_QUALITY
from service.storage import ChallengeRow, Pose

__all__ = [
    "FRONT",
    "LASTS",
    "MIRRORED_BITS",
    "PHOTOS",
    "POSES",
    "TURNED",
    "Challenge",
    "Liveness",
    "Pose",
    "PoseSequence",
    "Shot",
    "mirrors",
    "pose",
    "shot",
]

POSES: tuple[Pose, ...] = get_args(Pose)

PHOTOS = 4
LASTS = dt.timedelta(minutes=5)

FRONT, TURNED = 0.06, 0.10
"""|Face.turn| up to which a head counts as straight, and from which it counts as turned; in between it is neither.
Based on the figures in models/cards/dlib-faces.md: the detector loses a face at about 0.2."""

MIRRORED_BITS = 48
"""PDQ distance up to which a photo counts as a mirrored copy of another; the same card has the figures."""


class Challenge(BaseModel):
    """What a person has to do: take one photo of each pose, in this order."""

    model_config = ConfigDict(frozen=True)

    id: str
    poses: tuple[Pose, ...] = Field(
        description="`left`: the nose points to the left edge of the image as it is sent, `right` to the right edge."
    )
    expires_at: str


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A photo that answers a challenge, and the one face on it.

    `data` is the file, `pixels` the SHA-256 of its pixels. `looks` and `mirrored` are the PDQ hashes
    (`detectors.looks`) of the image and of its mirror image: of all of it, of its middle, and without a uniform
    border.
    """

    data: bytes
    face: Face
    pixels: str
    looks: tuple[Fingerprint, ...]
    mirrored: tuple[Fingerprint, ...]


class Liveness(Protocol):
    """Asks for photos, and checks whether the photos that were sent answer the challenge."""

    @property
    def most_photos(self) -> int:
        """The largest number of photos of an answer; further ones are not read."""

    def challenge(self) -> Challenge:
        """A new challenge. Raises Unavailable."""

    def take(self, number: str) -> Challenge:
        """End the challenge with this id, whatever follows: it allows one attempt.

        Raises:
            NotLive: there is none, it was answered before, or it has expired.
            Unavailable: the database does not answer.
        """

    def check(self, challenge: Challenge, shots: Sequence[Shot]) -> None:
        """Check the photos, in the order in which they were sent. They are known to show one person.

        Raises:
            NotLive: they do not answer the challenge; the message says which photo and why.
            Unavailable: the check could not be made.
        """


class PoseSequence:
    """Asks for turns of the head. Challenges are in the database, so any process can take the answer."""

    most_photos = PHOTOS

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def challenge(self) -> Challenge:
        """Four poses, neighbours different, valid for five minutes. Raises Unavailable."""
        now = self._clock()
        row = ChallengeRow(new_case_number("L"), _sequence(), now + LASTS)
        with self._ledger.write() as stored:
            stored.challenges.delete_expired(now)
            stored.challenges.add(row)
        return _challenge(row)

    def take(self, number: str) -> Challenge:
        """See `Liveness`."""
        with self._ledger.write() as stored:
            row = stored.challenges.take(number)
        if row is None:
            raise NotLive("there is no such challenge, or it was answered before")
        if row.expires_at <= self._clock():
            raise NotLive("the challenge has expired")
        return _challenge(row)

    def check(self, challenge: Challenge, shots: Sequence[Shot]) -> None:
        """See `Liveness`."""
        if len(shots) != len(challenge.poses):
            raise NotLive(f"{len(shots)} photos were sent, {len(challenge.poses)} are needed")
        if faults := [*_wrong_poses(challenge.poses, shots), *_plain(shots), *_copies(shots)]:
            raise NotLive("; ".join(faults))


def shot(picture: Picture, face: Face) -> Shot:
    """A photo with all that is compared of it, turned so that the face is upright: a turn must not hide a copy."""
    upright = np.ascontiguousarray(np.rot90(picture.rgb, face.quarter_turns))
    mirror = np.ascontiguousarray(upright[:, ::-1])
    pixels = hashlib.sha256(upright.data).hexdigest()
    return Shot(picture.data, face, pixels, tuple(looks(upright)), tuple(looks(mirror)))


def mirrors(one: Shot, other: Shot) -> bool:
    """One photo is the mirrored copy of the other, also resized, recompressed or cropped to its middle."""
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
    """One of the 24 sequences of four poses whose neighbours differ, all equally likely."""
    poses = [secrets.choice(POSES)]
    while len(poses) < PHOTOS:
        poses.append(secrets.choice([other for other in POSES if other != poses[-1]]))
    return tuple(poses)


def _wrong_poses(poses: Sequence[Pose], shots: Sequence[Shot]) -> Iterator[str]:
    for number, (wanted, one) in enumerate(zip(poses, shots, strict=True), 1):
        seen = pose(one.face.turn)
        if seen != wanted:
            yield f"photo {number} should look {wanted}, but looks {seen or 'neither straight nor clearly to one side'}"


def _plain(shots: Sequence[Shot]) -> Iterator[str]:
    """Photos with few features: their hashes cannot show whether one is a copy of another."""
    for number, one in enumerate(shots, 1):
        if not _featured(one.looks[:1]) or not _featured(one.mirrored[:1]):  # the whole images
            yield f"photo {number} is too plain to be compared with the others"


def _copies(shots: Sequence[Shot]) -> Iterator[str]:
    for (first, one), (second, other) in itertools.combinations(enumerate(shots, 1), 2):
        if one.pixels == other.pixels:
            yield f"photo {second} is photo {first} again"
        elif mirrors(one, other):
            yield f"photo {second} is photo {first} mirrored"


def _featured(hashes: Sequence[Fingerprint]) -> list[Fingerprint]:
    return [one for one in hashes if one.quality >= LEAST_QUALITY]


def _challenge(row: ChallengeRow) -> Challenge:
    return Challenge(id=row.id, poses=row.poses, expires_at=stamp(row.expires_at))
