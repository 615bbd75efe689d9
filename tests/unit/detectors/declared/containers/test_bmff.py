import pytest

from detectors.declared.containers.bmff import fields
from tests.assets.declared import box, heic, saved, source_type, tiff

EXIF, XMP = tiff({0x010F: b"Canon\0"}), source_type()
BOTH = ["Make", "Iptc4xmpExt:DigitalSourceType"]


@pytest.mark.parametrize(
    "data",
    [
        saved("AVIF", exif=EXIF, xmp=XMP),
        heic(EXIF, XMP),
        heic(EXIF, XMP, in_idat=True),
        heic(EXIF, XMP, prefix=b"\0\0\0\6Exif\0\0"),
        box(b"JXL ", b"\r\n\x87\n") + box(b"Exif", b"\0\0\0\0" + EXIF) + box(b"xml ", XMP),
    ],
)
def test_items_and_boxes(data: bytes) -> None:
    assert sorted(field.name for field in fields(data)) == sorted(BOTH)


def test_a_box_of_64_bits_and_one_to_the_end() -> None:
    wide = b"\0\0\0\1free" + (24).to_bytes(8, "big") + bytes(8)
    assert [field.name for field in fields(wide + b"\0\0\0\0xml " + XMP)] == BOTH[1:]


def test_a_box_smaller_than_its_head_ends_the_file() -> None:
    assert list(fields(b"\0\0\0\4free" + box(b"xml ", XMP))) == []
