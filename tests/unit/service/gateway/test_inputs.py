import io

import numpy as np
import pytest
from PIL import Image

from service.gateway.inputs import decode_inputs
from service.kit.errors import BadRequest, BrokenPicture, TooLarge
from service.media.pictures import ImageLimits, encode
from tests.support.painter import landscape

LIMITS = ImageLimits(1 << 20, 1 << 20)
PICTURE = encode(landscape(1, 96, 64), "png")[0]


def mask_file(alpha: np.ndarray | None = None, grey: int = 255) -> bytes:
    """A mask of 96 x 64: the left half white, or with this alpha channel over plain `grey`."""
    out = io.BytesIO()
    if alpha is None:
        half = np.zeros((64, 96), np.uint8)
        half[:, :48] = 255
        Image.fromarray(half).save(out, "PNG")
    else:
        Image.merge("LA", (Image.new("L", (96, 64), grey), Image.fromarray(alpha))).save(out, "PNG")
    return out.getvalue()


def test_an_order_without_pictures_brings_nothing() -> None:
    nothing = decode_inputs(None, None, LIMITS)
    assert (nothing.images, nothing.size, nothing.canvas((64, 64), None)) == ((), None, None)


def test_a_picture_is_decoded_and_becomes_a_canvas() -> None:
    taken = decode_inputs(PICTURE, None, LIMITS)
    (given,) = taken.images
    assert (given.role, given.picture.mime, taken.size) == ("image", "image/png", (96, 64))
    onto = taken.canvas((48, 32), 0.5)
    assert onto is not None
    assert (onto.rgb.shape, onto.mask, onto.strength) == ((32, 48, 3), None, 0.5)


def test_white_selects_in_a_mask_without_alpha() -> None:
    taken = decode_inputs(PICTURE, mask_file(), LIMITS)
    assert [given.role for given in taken.images] == ["image", "mask"]
    assert taken.selected is not None
    assert taken.selected[:, :48].all()
    assert not taken.selected[:, 48:].any()


def test_what_is_transparent_selects_and_the_colours_do_not() -> None:
    alpha = np.full((64, 96), 255, np.uint8)
    alpha[:10] = 0
    taken = decode_inputs(PICTURE, mask_file(alpha), LIMITS)
    assert taken.selected is not None
    assert taken.selected[:10].all()
    assert not taken.selected[10:].any()


def test_an_alpha_channel_without_holes_is_passed_over() -> None:
    taken = decode_inputs(PICTURE, mask_file(np.full((64, 96), 255, np.uint8)), LIMITS)
    assert taken.selected is not None
    assert taken.selected.all()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(BadRequest, match="96x64 px and the mask 64x96"):
        decode_inputs(PICTURE, encode(landscape(1, 64, 96), "png")[0], LIMITS)


def test_a_mask_that_selects_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="selects nothing"):
        decode_inputs(PICTURE, encode(np.zeros((64, 96, 3), np.uint8), "png")[0], LIMITS)


@pytest.mark.parametrize("damaged", ["image", "mask"])
def test_damaged_pictures_are_named_so(damaged: str) -> None:
    files = {"image": PICTURE, "mask": mask_file(), damaged: PICTURE[:80]}
    with pytest.raises(BrokenPicture):
        decode_inputs(files["image"], files["mask"], LIMITS)


def test_the_limits_hold() -> None:
    with pytest.raises(TooLarge):
        decode_inputs(PICTURE, None, ImageLimits(1 << 20, 1000))
