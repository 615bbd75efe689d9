"""People without photos: a face is a colour, and its embedding that colour's place."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors import Face
from service.generation import OnStep
from service.installation import Installation
from service.likeness.registry import Consent
from service.likeness.schemas import Enrolled, Grant
from service.media.pictures import encode
from tests.support.faces import embedding
from tests.support.painter import landscape

MODEL = "c" * 64
_FLAT, _PURE = 40, 20  # levels of 255: resizing rings; every person lacks a channel, no scene does
ANN, BOB = (250, 0, 0), (0, 0, 250)


class ByColour:
    """Finds one face in a picture whose upper left corner has a patch of one colour; none where it is grey.

    Like a real detector it finds upright faces only: turn the picture, and the face is in another corner.
    """

    identity, digest = "by-colour@1", MODEL
    threshold, strict_threshold, review_distance = 0.55, 0.4, 0.5

    def __init__(self) -> None:
        self.size, self.sharpness = 200, 50.0

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        corner = rgb[:8, :8].reshape(-1, 3)
        colour = corner.mean(axis=0)
        if float(np.ptp(colour)) < 60 or colour.min() > _PURE or float(np.ptp(corner, axis=0).max()) > _FLAT:
            return []
        across, down = (_run(edge, colour) for edge in (rgb[0], rgb[:, 0]))
        if abs(across - down) > 2 or across > len(rgb) // 3:
            return []
        return [Face((0, 0, 8, 8), self.size, self.sharpness, 1.0, likeness(tuple(colour)))]


def _run(edge: NDArray[np.uint8], colour: NDArray[np.float64]) -> int:
    """How many pixels at the beginning of an edge (N x 3) have about this colour."""
    other = np.flatnonzero(np.abs(edge - colour).max(axis=1) > 40)
    return int(other[0]) if other.size else len(edge)


class OtherModel(ByColour):
    """The same under another digest: its templates are not compared with those of `ByColour`."""

    identity, digest = "other@1", "d" * 64


class Posing(ByColour):
    """The same; the lower left corner tells how far the head is turned: grey of 128 is straight, 0 is -1."""

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        turn = float(rgb[-8:, :8].mean()) / 128 - 1
        return [replace(face, turn=turn) for face in super().__call__(rgb)]


TURNS = {"front": 0.0, "left": -0.15, "right": 0.15}


def posed(turn: float, seed: int, colour: tuple[int, int, int] = ANN, *, mirrored: bool = False) -> NDArray[np.uint8]:
    """A photo of somebody for `Posing`; each seed is another picture, and `mirrored` is its mirror image."""
    scene = landscape(seed, 256, 256)
    picture = np.ascontiguousarray(scene[:, ::-1] if mirrored else scene)
    picture[:8, :8] = colour
    picture[-8:, :8] = round(128 * (turn + 1))
    return picture


def likeness(colour: tuple[float, ...]) -> NDArray[np.float32]:
    return embedding(*(value / 250 for value in colour))


def enrolled(consent: Consent, colour: tuple[int, int, int] = ANN, *, protected: bool = True) -> Enrolled:
    return consent.subjects.enrol("Ann Example", [likeness(colour)], MODEL, protected=protected)


def granted(consent: Consent, subject: str, **changes: object) -> str:
    """The id of a grant by `subject`: a poster, portrait, default, 30 days; `changes` replace any of these."""
    values = {
        "purpose": "a poster",
        "scopes": ["portrait"],
        "grantee": "default",
        "lasts": dt.timedelta(days=30),
        **changes,
    }
    return consent.grants.give(subject, **values).id  # type: ignore[arg-type]


def portrait(colour: tuple[int, int, int], side: int = 256) -> NDArray[np.uint8]:
    """A picture of somebody: a landscape with their colour in a corner."""
    picture = landscape(1, side, side)
    picture[:16, :16] = colour
    return picture


def photo(path: Path, colour: tuple[int, int, int]) -> Path:
    """A PNG file with a portrait of somebody; its folder is created."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode(portrait(colour), "png")[0])
    return path


def revoking(installation: Installation, grant: Grant) -> OnStep:
    """A report of progress at which `grant` is revoked."""

    def on_step(done: int, total: int) -> None:
        installation.consent.grants.revoke(grant.id)

    return on_step
