"""Where the marked image lies in a copy of it, read from the mark."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import Rgb, photo, resized
from watermark import Codec, Keyring

KEYRING = Keyring.from_secret(b"a secret for the tests")
CODECS = {version: Codec(KEYRING, version=version) for version in (1, 2)}
SIDE = 512


@cache
def marked(version: int) -> Rgb:
    return CODECS[version].embed(photo("astronaut"), 42)


def corners(place: np.ndarray) -> np.ndarray:
    """Of the marked image, in pixels (right, down) of the copy: top left and bottom right."""
    return np.stack([place @ [0, 0, 1], place @ [1, 1, 1]])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x, [(0, 0), (512, 512)]),
        (lambda x: resized(x, 256, 256), [(0, 0), (256, 256)]),
        (lambda x: x[60:480, 40:460], [(-40, -60), (472, 452)]),
        (lambda x: np.pad(x, ((64, 64), (0, 0), (0, 0))), [(0, 64), (512, 576)]),
        (lambda x: x[:, ::-1], [(512, 0), (0, 512)]),
        (np.rot90, [(0, 512), (512, 0)]),
    ],
)
def test_format_two_tells_the_place(change: Callable[[Rgb], Rgb], expected: list[tuple[int, int]]) -> None:
    reading = CODECS[2].extract(np.ascontiguousarray(change(marked(2))))
    assert reading is not None
    errors = [np.abs(corners(place) - expected).max() for place in reading.placements((SIDE, SIDE))]
    assert min(errors) < 4
    assert len(errors) <= 4


def test_format_one_tells_it_up_to_a_tile() -> None:
    reading = CODECS[1].extract(marked(1)[60:480, 40:460])
    assert reading is not None
    places = reading.placements((SIDE, SIDE))
    assert len(places) > 20
    assert min(np.abs(corners(place) - [(-40, -60), (472, 452)]).max() for place in places) < 4
    whole = CODECS[1].extract(marked(1))
    assert whole is not None
    assert len(whole.placements((SIDE, SIDE))) == 1
