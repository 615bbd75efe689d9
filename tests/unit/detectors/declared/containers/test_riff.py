from detectors.declared.containers.riff import fields
from tests.assets.declared import riff, source_type, tiff

EXIF = tiff({0x010F: b"Canon\0"})


def test_exif_with_and_without_the_header_of_jpeg() -> None:
    assert [field.value for field in fields(riff((b"EXIF", EXIF), (b"EXIF", b"Exif\0\0" + EXIF)))] == ["Canon", "Canon"]


def test_xmp_of_webp_and_avi() -> None:
    found = list(fields(riff((b"odd ", b"x"), (b"XMP ", source_type()), (b"_PMX", source_type()))))
    assert [field.name for field in found] == ["Iptc4xmpExt:DigitalSourceType"] * 2


def test_a_length_beyond_the_file() -> None:
    assert list(fields(riff()[:-4] + b"EXIF\xff\xff\xff\xff")) == []
