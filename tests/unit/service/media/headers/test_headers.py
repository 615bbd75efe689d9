import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.errors import BrokenPicture, InputError, UnsupportedFormat
from service.media.headers import SIGNATURE_BYTES, recognised, scan
from tests.assets.hostile import cases, picture, save

READABLE = [case.data for case in cases() if case.error is None and len(case.data) < 20_000]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_the_format_is_told_by_the_content(name: str) -> None:
    header = scan(save(picture("P" if name == "GIF" else "RGB"), name))
    assert (header.format, header.width, header.height) == (name, 64, 64)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_a_few_bytes_tell_an_image(name: str) -> None:
    assert recognised(save(picture("P" if name == "GIF" else "RGB"), name)[:SIGNATURE_BYTES])


@pytest.mark.parametrize("head", [b"", b"hello", b"<svg ", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypisom"])
def test_other_files_are_no_images(head: bytes) -> None:
    assert not recognised(head)


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
