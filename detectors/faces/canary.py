"""Proof at start that a face model works on this machine, by drawings of nobody.

A detector that is blind would let every protected face pass, an embedder that is stuck would find all people the same.
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
_SAME, _OTHER = 0.36, 0.73  # shares of the model's own threshold
_OF_SOMEBODY_ELSE = 0.36
_BROWN, _RED, _WHITE, _BLACK = (60.0, 40.0, 30.0), (150.0, 60.0, 60.0), (235.0, 235.0, 235.0), (25.0, 20.0, 20.0)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What tells one drawn face from another: colours (RGB, 0..255), and widths as shares of the picture."""

    skin: tuple[float, float, float] = (230.0, 175.0, 145.0)
    hair: tuple[float, float, float] = _BROWN
    face: float = 0.26
    mouth: float = 0.10
    beard: float = 0.0


_POINTS = _SIZE * np.array([(0.385, 0.46), (0.615, 0.46), (0.5, 0.62), (0.42, 0.75), (0.58, 0.75)], np.float64)
"""Eyes, tip of the nose and corners of the mouth of every drawing, px, in the order of `alignment.TEMPLATE`."""

LIGHT = Drawing()
BEARDED = Drawing(skin=(120.0, 80.0, 60.0), hair=_BLACK, face=0.25, mouth=0.08, beard=0.9)


def prove(model: FaceModel) -> None:
    """Raises ModelFault unless the model finds each drawn face and none in grey, and tells two drawings apart."""
    if model(np.full((_SIZE, _SIZE, 3), 128, np.uint8)):
        raise ModelFault(f"{model.identity} finds a face in plain grey: it must not be used")
    drawn = draw(LIGHT)
    light, mirrored, bearded = (_only(model, one) for one in (drawn, drawn[:, ::-1], draw(BEARDED)))
    same, other = compare(light.embedding, mirrored.embedding), compare(light.embedding, bearded.embedding)
    below, above = _SAME * model.threshold, _OTHER * model.threshold
    if not (same < below and other > above):
        raise ModelFault(
            f"{model.identity}: the canary's mirror image lies at {same:.2f} (not below {below:.2f}), another at "
            f"{other:.2f} (not above {above:.2f}): the model does not work on this machine and must not be used"
        )


def prove_detector(detector: YuNet) -> None:
    """Raises ModelFault unless drawn faces look more like faces to it than grey does, and grey like none.

    That it finds the drawings is not asked: nobody knows of every card what it makes of drawings. But what is stuck or
    blind, or has its outputs swapped, says no more of them than of grey.
    """
    grey = np.full((_SIZE, _SIZE, 3), 128, np.uint8)
    empty = detector.highest(grey)
    if len(detector(grey)):
        raise ModelFault(f"{detector.card.identity} finds a face in plain grey: it must not be used")
    if not all(detector.highest(draw(one)) > empty for one in (LIGHT, BEARDED)):
        raise ModelFault(
            f"{detector.card.identity}: a drawn face looks no more like one to it than plain grey does: it does not "
            "work on this machine and must not be used"
        )


def prove_embedder(embedder: OnnxEmbedder, threshold: float) -> None:
    """Raises ModelFault unless a drawn face lies nearer to its mirror image than to another drawing, by far.

    "By far" is on two sides of one share of `threshold`: the model is somebody else's, and less is known of it than
    of our own, of which `prove` asks more.
    """
    drawn = draw(LIGHT)
    light, mirrored, bearded = (embedder(upright(one, _POINTS)) for one in (drawn, drawn[:, ::-1], draw(BEARDED)))
    same, other, limit = compare(light, mirrored), compare(light, bearded), _OF_SOMEBODY_ELSE * threshold
    if not same < limit < other:
        raise ModelFault(
            f"{embedder.card.identity}: the canary's mirror image lies at {same:.2f} and another face at {other:.2f}, "
            f"not on two sides of {limit:.2f}: the model tells nobody apart and must not be used"
        )


def _only(model: FaceModel, picture: NDArray[np.uint8]) -> Face:
    found = model(picture)
    if len(found) != 1:
        raise ModelFault(f"{model.identity} finds {len(found)} faces in a drawing of one: it must not be used")
    return found[0]


def draw(one: Drawing) -> NDArray[np.uint8]:
    """A face of soft ellipses (uint8, 256 x 256 x 3), the same for the same drawing."""
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
    """Paint an ellipse with a soft border; places and radii (x, y) are shares of the picture."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE] / _SIZE
    radius = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    cover = (opacity / (1 + np.exp(np.clip((radius - 1) * hardness, -60, 60))))[..., None]
    canvas *= 1 - cover
    canvas += np.asarray(colour) * cover
