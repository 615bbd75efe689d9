import struct

import pytest

from service.kit.errors import TooLarge
from service.media.headers import png
from tests.assets import crowded
from tests.assets.hostile import picture, save


@pytest.mark.parametrize(
    ("mode", "bytes_per_pixel"), [("RGB", 4), ("RGBA", 4), ("LA", 4), ("L", 1), ("P", 1), ("1", 1)]
)
def test_size_and_kind_of_pixels(mode: str, bytes_per_pixel: float) -> None:
    header = png.scan(save(picture(mode, (30, 20)), "PNG"))
    assert (header.width, header.height, header.bytes_per_pixel, header.frames) == (30, 20, bytes_per_pixel, 1)


def test_frames_of_an_animation_are_counted() -> None:
    moving = save(picture(), "PNG", save_all=True, append_images=[picture().rotate(90), picture().rotate(180)])
    assert png.scan(moving).frames == 3


def test_too_many_chunks_are_refused() -> None:
    assert png.scan(crowded.png(2_000)).width == 64
    with pytest.raises(TooLarge, match="more than 2,048 chunks without pixels"):
        png.scan(crowded.png(2_100))
    with pytest.raises(TooLarge, match="more than 16,384 chunks"):
        png.scan(crowded.png(20_000, b"IDAT"))


@pytest.mark.parametrize("length", [0, 8, 16, 25, 40])
def test_a_file_cut_anywhere_has_a_size_or_none(length: int) -> None:
    header = png.scan(save(picture(), "PNG")[:length])
    assert (header.width, header.height) in ((64, 64), (0, 0))


def test_a_chunk_longer_than_the_file_ends_it() -> None:
    whole = save(picture(), "PNG")
    assert png.scan(whole[:33] + struct.pack(">I4s", 0xFFFFFFFF, b"IDAT")).width == 64
