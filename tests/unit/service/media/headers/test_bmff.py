import struct

import pytest

from service.kit.errors import TooLarge
from service.media.headers import bmff
from service.media.headers.bmff import boxes
from service.media.headers.header import Counter
from tests.assets import crowded
from tests.assets.hostile import picture, save


@pytest.mark.parametrize(("mode", "options"), [("RGB", {}), ("RGBA", {}), ("L", {}), ("RGB", {"subsampling": "4:4:4"})])
def test_size(mode: str, options: dict[str, object]) -> None:
    header = bmff.scan(save(picture(mode, (32, 48)), "AVIF", **options))
    assert (header.width, header.height, header.frames) == (32, 48, 1)


def test_more_planes_take_more_memory() -> None:
    clear = picture()
    clear.putalpha(picture("L"))
    few, alpha = (bmff.scan(save(image, "AVIF")) for image in (picture(), clear))
    many = bmff.scan(save(picture(), "AVIF", subsampling="4:4:4"))
    assert few.memory < alpha.memory
    assert few.memory < many.memory


def test_frames_of_a_sequence_are_counted() -> None:
    moving = save(picture(), "AVIF", save_all=True, append_images=[picture().rotate(90), picture().rotate(180)])
    header = bmff.scan(moving)
    assert (header.width, header.frames) == (64, 3)


def test_too_many_boxes_and_too_deep_ones_are_refused() -> None:
    assert bmff.scan(crowded.avif(8_000)).width == 64
    with pytest.raises(TooLarge, match="more than 8,192 boxes"):
        bmff.scan(crowded.avif(8_192))
    assert bmff.scan(crowded.nested_boxes(12)).width == 64
    with pytest.raises(TooLarge, match="nested deeper than 12"):
        bmff.scan(crowded.nested_boxes(14))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (struct.pack(">I4sQ", 1, b"mdat", 20) + b"1234" + b"\0\0\0\x08free", [b"mdat", b"free"]),  # 64-bit size
        (b"\0\0\0\0mdat" + bytes(100), [b"mdat"]),  # to the end of the file
        (b"\0\0\0\x04mdat" + b"\0\0\0\x08free", []),  # shorter than its own header
        (b"\xff\xff\xff\xffmdat", [b"mdat"]),  # longer than the file
        (b"\0\0\0", []),
    ],
)
def test_odd_sizes_of_boxes(data: bytes, found: list[bytes]) -> None:
    assert [box.kind for box in boxes(data, 0, len(data), Counter("boxes", 10))] == found
