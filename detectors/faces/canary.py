"""Self-tests at start-up that a face model works on this machine, with synthetic drawings of nobody.

A blind detector would let every protected face pass; a stuck embedder would find all people to be the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.faces.alignment import upright
from detectors.faces.comparison import compare
from detectors.faces.face import Face, FaceModel
from detectors.faces.onnx_embedder import OnnxEmbedder
from detectors.faces.yunet import YuNet
from models import ModelFault

_SIZE = 256
_SAME, _OTHER = 0.36, 0.73  # shares of the model's threshold
_THIRD_PARTY = 0.36
_BROWN, _RED, _WHITE, _BLACK = (60.0, 40.0, 30.0), (150.0, 60.0, 60.0), (235.0, 235.0, 235.0), (25.0, 20.0, 20.0)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The parameters of a drawn face: colours (RGB, 0..255), and widths as shares of the image."""

    skin: tuple[float, float, float] = (230.0, 175.0, 145.0)
    hair: tuple[float, float, float] = _BROWN
    face: float = 0.26
    mouth: float = 0.10
    beard: float = 0.0


_POINTS = _SIZE * np.array([(0.385, 0.46), (0.615, 0.46), (0.5, 0.62), (0.42, 0.75), (0.58, 0.75)], np.float64)
"""The landmarks of every drawing, px, in the order of `alignment.TEMPLATE`."""

LIGHT = Drawing()
BEARDED = Drawing(skin=(120.0, 80.0, 60.0), hair=_BLACK, face=0.25, mouth=0.08, beard=0.9)


def self_test(model: FaceModel) -> None:
    """Raise ModelFault unless the model finds each drawn face and none in grey, and distinguishes two drawings."""
    if model(np.full((_SIZE, _SIZE, 3), 128, np.uint8)):
        raise ModelFault(f"{model.identity} finds a face in plain grey, so it must not be used")
    drawn = draw(LIGHT)
    light, mirrored, bearded = (_only(model, one) for one in (drawn, drawn[:, ::-1], draw(BEARDED)))
    same, other = compare(light.embedding, mirrored.embedding), compare(light.embedding, bearded.embedding)
    below, above = _SAME * model.threshold, _OTHER * model.threshold
    if not (same < below and other > above):
        raise ModelFault(
            f"{model.identity}: the distance to the canary's mirror image is {same:.2f} (expected below {below:.2f}) "
            f"and to another drawing {other:.2f} (expected above {above:.2f}): the model does not work on this machine "
            "and must not be used"
        )


def self_test_detector(detector: YuNet) -> None:
    """Raise ModelFault unless the detector scores drawn faces higher than grey, and finds no face in grey.

    It does not have to detect the drawings: a third-party detector may not accept drawings. But one that is stuck or
    blind, or has its outputs swapped, scores them no higher than grey.
    """
    grey = np.full((_SIZE, _SIZE, 3), 128, np.uint8)
    baseline = detector.max_score(grey)
    if len(detector(grey)):
        raise ModelFault(f"{detector.card.identity} finds a face in plain grey, so it must not be used")
    if not all(detector.max_score(draw(one)) > baseline for one in (LIGHT, BEARDED)):
        raise ModelFault(
            f"{detector.card.identity} scores a drawn face no higher than plain grey: it does not work on this "
            "machine and must not be used"
        )


def self_test_embedder(embedder: OnnxEmbedder, threshold: float) -> None:
    """Raise ModelFault unless a drawn face is much nearer to its mirror image than to another drawing.

    "Much nearer" means on either side of a share of `threshold`. This is weaker than `self_test`, because less is
    known about a third-party model.
    """
    drawn = draw(LIGHT)
    light, mirrored, bearded = (embedder(upright(one, _POINTS)) for one in (drawn, drawn[:, ::-1], draw(BEARDED)))
    same, other, limit = compare(light, mirrored), compare(light, bearded), _THIRD_PARTY * threshold
    if not same < limit < other:
        raise ModelFault(
            f"{embedder.card.identity}: the distance to the canary's mirror image is {same:.2f} (expected below "
            f"{limit:.2f}) and to another face {other:.2f} (expected above): the model must not be used"
        )


def _only(model: FaceModel, image: NDArray[np.uint8]) -> Face:
    found = model(image)
    if len(found) != 1:
        raise ModelFault(f"{model.identity} finds {len(found)} faces in a drawing of one, so it must not be used")
    return found[0]


def draw(one: Drawing) -> NDArray[np.uint8]:
    """Draw a face of soft ellipses (uint8, 256 x 256 x 3), deterministically."""
    skin = np.array(one.skin)
    eyes = ((0.385, 0.46), (0.615, 0.46))
    canvas = np.full((_SIZE, _SIZE, 3), 150.0)
    _ellipse(canvas, (0.5, 0.42), (one.face * 1.15, 0.36), one.hair, 20)
    _ellipse(canvas, (0.5, 0.52), (one.face, 0.35), skin, 20)
    _ellipse(canvas, (0.5, 0.76), (one.face * 0.8, 0.14), one.hair, 4, one.beard)
    for x, y in eyes:
        _ellipse(canvas, (x, y), (0.075, 0.045), skin * 0.75, 4, 0.8)
        _ellipse(canvas, (x, y - 0.067), (0.075, 0.016), one.hair, 8)
        _ellipse(canvas, (x, y), (0.048, 0.02), _WHITE, 8)
        _ellipse(canvas, (x, y), (0.02, 0.02), _BLACK, 8)
    _ellipse(canvas, (0.5, 0.56), (0.025, 0.10), skin * 1.08, 3, 0.6)
    _ellipse(canvas, (0.5, 0.64), (0.055, 0.02), skin * 0.6, 4, 0.9)
    _ellipse(canvas, (0.5, 0.75), (one.mouth, 0.024), _RED, 6)
    return np.asarray(np.clip(canvas, 0, 255), np.uint8)


def _ellipse(
    canvas: NDArray[np.float64],
    centre: tuple[float, float],
    radii: tuple[float, float],
    colour: NDArray[np.float64] | tuple[float, float, float],
    hardness: float,
    opacity: float = 1.0,
) -> None:
    """Paint an ellipse with a soft border; `centre` and `radii` (x, y) are shares of the image."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE] / _SIZE
    radius = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    cover = (opacity / (1 + np.exp(np.clip((radius - 1) * hardness, -60, 60))))[..., None]
    canvas *= 1 - cover
    canvas += np.asarray(colour) * cover
