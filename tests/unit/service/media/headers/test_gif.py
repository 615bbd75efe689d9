import pytest

from service.kit.errors import TooLarge
from service.media.headers import gif
from tests.assets import crowded
from tests.assets.hostile import picture, save


def test_size_and_frames() -> None:
    frames = [picture("P", (30, 20)), picture("P", (30, 20)).rotate(180)]
    assert gif.scan(save(frames[0], "GIF")).frames == 1
    header = gif.scan(save(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (header.width, header.height, header.frames) == (30, 20, 2)


def test_a_first_frame_larger_than_its_screen_counts() -> None:
    whole = bytearray(save(picture("P"), "GIF"))
    whole[6:10] = b"\x01\0\x01\0"
    assert gif.scan(bytes(whole)).width == 64


def test_too_many_blocks_and_frames_are_refused() -> None:
    assert gif.scan(crowded.gif(300_000)).width == 64
    with pytest.raises(TooLarge, match="more than 400,000 blocks"):
        gif.scan(crowded.gif(400_000))
    frame = b"\x2c" + bytes(9) + b"\x02\0"
    with pytest.raises(TooLarge, match="more than 10,000 frames"):
        gif.scan(b"GIF89a" + bytes(7) + frame * 10_001)


@pytest.mark.parametrize("length", [6, 13, 200, 790, 900])
def test_a_file_cut_anywhere_has_a_size_or_none(length: int) -> None:
    assert gif.scan(save(picture("P"), "GIF")[:length]).width in (0, 64)
