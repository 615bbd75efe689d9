import io
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.kit.errors import BrokenPicture, InputError, TooLarge, UnsupportedFormat
from service.media import decoding
from service.media.decoding import decode, select
from service.media.isolation.pool import ParserPool
from service.media.pictures import ImageLimits, decode_first, selection
from tests.assets import hostile
from tests.assets.hostile import picture, save

READABLE = [case for case in hostile.cases() if case.error is None]
HERE = ImageLimits(1 << 24, 1 << 20, 60)


@pytest.fixture(scope="module")
def isolated() -> Iterator[ImageLimits]:
    with closing(ParserPool(1, 256 << 20)) as pool:
        yield ImageLimits(1 << 24, 1 << 20, 60, pool)


def read(data: bytes, limits: ImageLimits) -> tuple[object, ...]:
    """What decoding gives, or how it fails."""
    try:
        found = decode_first(data, limits)
    except InputError as error:
        return type(error), error.message, error.hint
    return found.rgb.shape, found.rgb.tobytes(), found.mime, found.metadata, found.jpeg_quality, found.frames


@pytest.mark.parametrize("case", list(hostile.cases()), ids=lambda case: case.name)
def test_a_worker_gives_the_same_pixels_metadata_and_errors(isolated: ImageLimits, case: hostile.Case) -> None:
    assert read(case.data, isolated) == read(case.data, HERE)


@pytest.mark.parametrize("case", [c for c in hostile.cases() if c.images], ids=lambda case: case.name)
def test_what_may_not_be_used_may_be_examined(case: hostile.Case) -> None:
    found = decode_first(case.data, HERE)
    assert found.frames == case.images
    assert np.abs(found.rgb.astype(int) - np.asarray(picture())).mean() < 30  # 256 colours; the others are turned: 85


def test_a_worker_selects_the_same(isolated: ImageLimits) -> None:
    hole = picture("RGBA")
    hole.paste((0, 0, 0, 0), (10, 10, 20, 20))
    for image in (hole, picture("L"), picture("RGBA"), picture("P")):
        data = save(image, "PNG")
        assert np.array_equal(selection(data, isolated), selection(data, HERE))
    assert selection(save(hole, "PNG"), isolated).sum() == 100


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_bands_give_the_pixels_of_the_whole(case: hostile.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decode_first(case.data, HERE).rgb
    monkeypatch.setattr(decoding, "_BAND", 7 * whole.shape[1])
    assert np.array_equal(decode_first(case.data, HERE).rgb, whole)


@pytest.mark.parametrize("orientation", range(10))
def test_it_is_turned_as_pillow_turns_it(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(picture(size=(31, 20)), "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    found = decode_first(data, HERE)
    assert np.array_equal(found.rgb, expected)
    assert selection(data, HERE).shape == expected.shape[:2]


def test_pixels_beyond_the_room_or_the_limit_are_refused() -> None:
    data = save(picture(), "PNG")
    with pytest.raises(TooLarge, match="larger than its header says"):
        decode(data, out=memoryview(bytearray(100)), max_pixels=1 << 20)
    with pytest.raises(TooLarge, match="4,096 pixels"):
        decode(data, out=memoryview(bytearray(1 << 20)), max_pixels=4095)


def test_it_says_what_it_read() -> None:
    out = bytearray(64 * 64 * 3)
    value, written = decode(save(picture(), "JPEG", quality=80), out=memoryview(out), max_pixels=1 << 20)
    assert (value["width"], value["height"], value["format"], value["quality"]) == (64, 64, "JPEG", 80)
    assert written == len(out)
    value, written = select(save(Image.new("1", (9, 4), 1), "PNG"), out=memoryview(out), max_pixels=100)
    assert (value, written, bytes(out[:36])) == ({"width": 9, "height": 4}, 36, b"\xff" * 36)


def test_other_bytes_are_unsupported_or_broken() -> None:
    with pytest.raises(UnsupportedFormat):
        decode(b"text", out=memoryview(bytearray(9)), max_pixels=9)
    with pytest.raises(BrokenPicture):
        decode(b"\xff\xd8\xff", out=memoryview(bytearray(9)), max_pixels=9)
