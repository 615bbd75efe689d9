import struct

import pytest
from PIL import Image

from service.kit.errors import TooLarge
from service.media.headers import tiff
from tests.assets import crowded
from tests.assets.hostile import picture, save


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_size(mode: str, compression: str | None) -> None:
    header = tiff.scan(save(picture(mode, (30, 20)), "TIFF", compression=compression))
    assert (header.width, header.height, header.frames) == (30, 20, 1)
    assert (header.extra > 0) is (compression is not None)


def test_big_tiff_and_the_other_byte_order() -> None:
    assert tiff.scan(save(picture(), "TIFF", big_tiff=True)).width == 64
    entries = ((256, 4, 70), (257, 4, 50), (258, 3, 8 << 16))
    body = b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in entries)
    header = tiff.scan(b"MM\0*" + struct.pack(">IH", 8, 3) + body + bytes(4))
    assert (header.width, header.height) == (70, 50)


def test_pages_are_counted_once() -> None:
    pages = save(picture(), "TIFF", save_all=True, append_images=[picture(), Image.new("L", (9, 9))])
    assert tiff.scan(pages).frames == 3
    assert tiff.scan(crowded.tiff_directories(5)).frames == 6
    assert tiff.scan(crowded.tiff_directories(5, loop=True)).frames == 6


def test_too_many_directories_tags_and_values_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 4,096 pages"):
        tiff.scan(crowded.tiff_directories(5_000))
    with pytest.raises(TooLarge, match="more than 1,024 tags"):
        tiff.scan(crowded.tiff_tags(1_100))
    with pytest.raises(TooLarge, match="more than 300,000 values"):
        tiff.scan(crowded.tiff_values(300_001))


def test_a_huge_tile_counts_as_memory() -> None:
    entries = ((256, 1), (257, 1), (259, 5), (322, 60_000), (323, 60_000))
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    assert tiff.scan(b"II*\0" + struct.pack("<IH", 8, 5) + body + bytes(4)).memory > 14_000_000_000


@pytest.mark.parametrize("offset", [0, 4, 8, 0xFFFFFFF0])
def test_a_directory_that_is_not_there_has_no_size(offset: int) -> None:
    assert tiff.scan(b"II*\0" + struct.pack("<I", offset)).width == 0
