import pytest

from service.kit.errors import TooLarge
from service.media.headers import jpeg
from tests.assets import crowded
from tests.assets.hostile import picture, save


@pytest.mark.parametrize(
    ("mode", "options", "bytes_per_pixel"),
    [
        ("RGB", {}, 4),
        ("L", {}, 1),
        ("CMYK", {}, 4),
        ("RGB", {"progressive": True, "subsampling": 2}, 4 + 3),  # coefficients of 1.5 samples, two bytes each
        ("RGB", {"progressive": True, "subsampling": 0}, 4 + 6),
        ("CMYK", {"progressive": True}, 4 + 8),
    ],
)
def test_size_and_what_the_decoder_keeps(mode: str, options: dict[str, object], bytes_per_pixel: float) -> None:
    header = jpeg.scan(save(picture(mode, (48, 32)), "JPEG", **options))
    assert (header.width, header.height, header.bytes_per_pixel) == (48, 32, bytes_per_pixel)


def test_segments_with_junk_and_fill_bytes_are_passed() -> None:
    whole = save(picture(), "JPEG")
    assert jpeg.scan(whole[:2] + b"junk\xff\xff\xff" + whole[3:]).width == 64


def test_too_many_segments_and_scans_are_refused() -> None:
    assert jpeg.scan(crowded.jpeg(4_000)).width == 64
    with pytest.raises(TooLarge, match="more than 4,096 segments"):
        jpeg.scan(crowded.jpeg(5_000))
    with pytest.raises(TooLarge, match="more than 4,096 segments"):
        jpeg.scan(b"\xff\xd8" + b"\xff\x00" * 10_000)
    with pytest.raises(TooLarge, match="more than 64 scans"):
        jpeg.scan(save(picture(), "JPEG") + b"\xff\xda" * 64)


def test_scans_of_single_components_are_kept_whole() -> None:
    whole = bytearray(save(picture(), "JPEG", subsampling=0))
    whole[whole.index(b"\xff\xda") + 4] = 1
    assert jpeg.scan(bytes(whole)).bytes_per_pixel == 4 + 6


@pytest.mark.parametrize("length", [2, 3, 20, 150, 170])
def test_a_file_cut_anywhere_has_a_size_or_none(length: int) -> None:
    header = jpeg.scan(save(picture(), "JPEG")[:length])
    assert (header.width, header.height) in ((64, 64), (0, 0))
