import contextlib
import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from service.kit.errors import BrokenPicture, InputError
from service.media.pictures import ImageLimits, decode, encode, frozen, promised_pixels, selection, transparent_area
from tests.assets import hostile
from tests.assets.hostile import picture, save

LIMITS = ImageLimits(max_bytes=300_000, max_pixels=1_000_000)
CASES = list(hostile.cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_hostile_file_gets_its_typed_error(case: hostile.Case) -> None:
    if case.error is None:
        decoded = decode(case.data, LIMITS)
        assert decoded.rgb.dtype == np.uint8
        assert decoded.rgb.ndim == 3
        assert decoded.rgb.shape[2] == 3
        return
    with pytest.raises(case.error) as caught:
        decode(case.data, LIMITS)
    assert type(caught.value) is case.error
    assert caught.value.hint


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_random_bytes_give_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        decode(data, LIMITS)


@given(st.sampled_from([c for c in CASES if c.error is None and len(c.data) < 20_000]), st.data())
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_give_a_picture_or_an_input_error(case: hostile.Case, data: st.DataObject) -> None:
    mutated = bytearray(case.data)
    for _ in range(data.draw(st.integers(1, 8))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode(bytes(mutated), LIMITS)
    except InputError:
        return
    assert decoded.rgb.size <= 3 * LIMITS.max_pixels


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows become columns
    decoded = decode(save(picture(size=(60, 20)), "JPEG", exif=exif.tobytes()), LIMITS)
    assert decoded.size == (20, 60)


def test_alpha_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert (decode(save(clear, "PNG"), LIMITS).rgb == 255).all()


def test_palette_transparency_is_laid_on_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30] * 256)
    assert (decode(save(image, "PNG", transparency=0), LIMITS).rgb == 255).all()


def test_16_bit_grey_keeps_its_brightness() -> None:
    grey = Image.fromarray(np.full((8, 8), 0x8080, np.uint16))
    assert (decode(save(grey, "PNG"), LIMITS).rgb == 0x80).all()


def test_colour_profiles_are_converted() -> None:
    """A linear-light profile turns middle grey into a much lighter sRGB grey."""
    profile = _linear_profile()
    grey = Image.new("RGB", (8, 8), (128, 128, 128))
    plain = decode(save(grey, "PNG"), LIMITS).rgb[0, 0, 0]
    converted = decode(save(grey, "PNG", icc_profile=profile), LIMITS).rgb[0, 0, 0]
    assert plain == 128
    assert converted > 170


def _linear_profile() -> bytes:
    """sRGB with its tone curves replaced by straight lines."""
    import struct

    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        tag, offset, _size = struct.unpack(">4sII", data[132 + 12 * i : 144 + 12 * i])
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            assert data[offset : offset + 4] == b"para"
            data[offset + 8 : offset + 10] = struct.pack(">H", 0)  # function type 0: Y = X ** g
            data[offset + 12 : offset + 16] = struct.pack(">i", 1 << 16)  # g = 1.0 in s15Fixed16
    return bytes(data)


def test_cmyk_becomes_rgb() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    r, g, b = decode(save(red, "JPEG", quality=95), LIMITS).rgb[8, 8]
    assert r > 200
    assert g < 60
    assert b < 60


@pytest.mark.parametrize(("to", "exact"), [("png", True), ("jpeg", False), ("webp", False)])
def test_encode_and_decode(to: str, exact: bool) -> None:
    rgb = np.asarray(picture())
    data, mime = encode(rgb, to)  # type: ignore[arg-type]
    decoded = decode(data, LIMITS)
    assert decoded.mime == mime == f"image/{to}"
    assert np.abs(decoded.rgb.astype(int) - rgb).max() <= (0 if exact else 24)
    assert decoded.data == data


def test_metadata_is_read() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a castle, steps: 20")
    decoded = decode(save(picture(), "PNG", pnginfo=info), LIMITS)
    assert decoded.metadata.text["parameters"] == "a castle, steps: 20"


def test_pixels_cannot_be_thawed() -> None:
    rgb = decode(save(picture(), "PNG"), LIMITS).rgb
    with pytest.raises(ValueError, match="read-only"):
        rgb[0, 0] = 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        rgb.flags.writeable = True
    assert not frozen(np.zeros((2, 2, 3), np.uint8)).flags.writeable


def test_decoding_is_thread_safe() -> None:
    data = save(picture(), "JPEG")
    expected = decode(data, LIMITS).rgb
    wrong: list[int] = []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(decode(data, LIMITS).rgb, expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_generator_writes_its_files(tmp_path: Path) -> None:
    hostile.main(str(tmp_path))
    assert (tmp_path / "png_plain").read_bytes()[:4] == b"\x89PNG"
    Image.open(io.BytesIO((tmp_path / "jpeg_plain").read_bytes())).load()


def test_bad_palette_transparency_and_lab_masks_are_input_errors() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 3, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\1" * 64) * 64)
    parts = ((b"IHDR", header), (b"PLTE", b"\0" * 6), (b"tRNS", b"\0" * 300), (b"IDAT", rows), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    lab = io.BytesIO()
    Image.new("LAB", (64, 64)).save(lab, "TIFF")
    for read in (decode, selection, transparent_area):
        for data in (png, lab.getvalue()):
            with contextlib.suppress(InputError):
                read(data, LIMITS)
    with pytest.raises(BrokenPicture):
        decode(png, LIMITS)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_the_transparent_pixels_of_an_image_are_found(mode: str) -> None:
    image = Image.new("RGBA", (40, 30), (9, 99, 200, 255))
    image.paste((0, 0, 0, 0), (5, 10, 25, 20))
    out = io.BytesIO()
    if mode == "P":
        Image.fromarray(np.where(np.asarray(image)[..., 3] > 0, 1, 0).astype(np.uint8), "P").save(
            out, "PNG", transparency=0
        )
    else:
        image.convert(mode).save(out, "PNG")
    hole = transparent_area(out.getvalue(), LIMITS)
    assert hole is not None
    assert hole[10:20, 5:25].all()
    assert hole.sum() == 10 * 20


@pytest.mark.parametrize("alpha", [None, 255, 128])
def test_an_image_that_is_not_more_transparent_than_opaque_has_no_hole(alpha: int | None) -> None:
    rgb = Image.new("RGB", (40, 30), (9, 99, 200))
    if alpha is not None:
        rgb.putalpha(alpha)
    assert transparent_area(save(rgb, "PNG"), LIMITS) is None


def test_pixels_are_promised_by_the_header() -> None:
    assert promised_pixels(save(picture(size=(30, 20)), "PNG")[:40]) == 600
    assert promised_pixels(b"text") == 0
