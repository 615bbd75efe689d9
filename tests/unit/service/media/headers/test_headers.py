import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.errors import BrokenPicture, InputError, UnsupportedFormat
from service.media.headers import scan
from tests.assets.hostile import cases, picture, save

READABLE = [case.data for case in cases() if case.error is None and len(case.data) < 20_000]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_the_format_is_told_by_the_content(name: str) -> None:
    header = scan(save(picture("P" if name == "GIF" else "RGB"), name))
    assert (header.format, header.width, header.height) == (name, 64, 64)


def test_what_is_no_image_or_has_no_size_is_refused() -> None:
    with pytest.raises(UnsupportedFormat):
        scan(b"hello")
    with pytest.raises(BrokenPicture):
        scan(b"\x89PNG\r\n\x1a\n")


@given(st.sampled_from(READABLE), st.data())
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_a_size_or_a_typed_error(data: bytes, draw: st.DataObject) -> None:
    mutated = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 8))):
        mutated[draw.draw(st.integers(0, len(mutated) - 1))] = draw.draw(st.integers(0, 255))
    try:
        header = scan(bytes(mutated))
    except InputError:
        return
    assert header.pixels > 0
    assert header.frames >= 1
