"""The wide search: poses at any angle and aspect, from power alone."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from tests.unit.watermark.tile.pictures import Rgb, photo, resized
from watermark import Codec, Keyring
from watermark.tile.canvas import luma, scaled
from watermark.tile.lattice import KEPT, Lattice
from watermark.tile.pattern import Layout

KEYRING = Keyring.from_secret(b"a secret for the tests")
LATTICE = Lattice(Layout(KEYRING.epochs[0].pattern, 368))


@cache
def marked() -> Rgb:
    return Codec(KEYRING).embed(photo("astronaut"), 42)


def first(rgb: Rgb) -> np.ndarray:
    grey = luma(np.ascontiguousarray(rgb))
    return np.asarray(LATTICE.poses(scaled(grey, 256 / min(grey.shape)))[0])


@pytest.mark.parametrize(("turn", "mirrored"), [(0, False), (33, False), (77, True), (141, False)])
def test_any_angle_up_to_half_a_turn(turn: int, mirrored: bool) -> None:
    source = marked()[:, ::-1] if mirrored else marked()
    turned = np.asarray(Image.fromarray(source).rotate(turn, Image.Resampling.BICUBIC))
    log_scale, angle, log_stretch, mirror = first(turned)
    assert abs((np.degrees(angle) - turn + 90) % 180 - 90) < 0.7
    assert abs(log_scale) < 0.02
    assert abs(log_stretch) < 0.02
    assert bool(mirror) is mirrored


@pytest.mark.parametrize("aspect", [0.5, 1.9])
def test_another_aspect(aspect: float) -> None:
    width, height = (round(512 * aspect), 512) if aspect < 1 else (512, round(512 / aspect))
    assert first(resized(marked(), width, height))[2] == pytest.approx(np.log(aspect), abs=0.02)


def test_a_negative_has_the_same_poses() -> None:
    assert first(255 - marked()) == pytest.approx(first(marked()), abs=0.02)


def test_poses_are_distinct_and_few() -> None:
    grey = scaled(luma(photo("chelsea")), 0.5)
    poses = LATTICE.poses(grey)
    assert poses.shape == (KEPT, 4)
    assert len(np.unique(poses.round(3), axis=0)) == KEPT
