import pytest

from service.kit.errors import TooLarge
from service.media.headers import webp
from tests.assets import crowded
from tests.assets.hostile import picture, save


@pytest.mark.parametrize(
    ("mode", "options"), [("RGB", {}), ("RGB", {"lossless": True}), ("RGBA", {}), ("RGB", {"exif": b"Exif\0\0"})]
)
def test_size(mode: str, options: dict[str, object]) -> None:
    header = webp.scan(save(picture(mode, (30, 20)), "WEBP", **options))
    assert (header.width, header.height, header.frames) == (30, 20, 1)


def test_a_bomb_of_42_bytes_shows_its_size() -> None:
    data = crowded.flat_webp_of(8000, 8000)
    assert len(data) < 50
    header = webp.scan(data)
    assert (header.width, header.height) == (8000, 8000)
    assert header.memory > 1_000_000_000


def test_frames_of_an_animation_are_counted() -> None:
    moving = save(picture(), "WEBP", save_all=True, append_images=[picture().rotate(90), picture().rotate(180)])
    assert webp.scan(moving).frames == 3


def test_too_many_chunks_are_refused() -> None:
    assert webp.scan(crowded.webp(10_000)).width == 64
    with pytest.raises(TooLarge, match="more than 16,384 chunks"):
        webp.scan(crowded.webp(17_000))


@pytest.mark.parametrize("length", [12, 20, 24, 28])
def test_a_file_cut_anywhere_has_a_size_or_none(length: int) -> None:
    assert webp.scan(save(picture(), "WEBP")[:length]).width in (0, 64)
