import struct

from detectors.declared.containers.jpeg import fields
from detectors.declared.metadata import Field
from tests.assets.declared import iim, jpeg, packet, resource, segment, source_type, tiff

XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
TYPE = "Iptc4xmpExt:DigitalSourceType"
GUID = b"0123456789ABCDEF0123456789ABCDEF"


def names(*segments: bytes) -> list[str]:
    return [field.name for field in fields(jpeg(*segments))]


def part(whole: bytes, start: int, end: int, guid: bytes = GUID) -> bytes:
    return segment(0xE1, EXTENSION + guid + struct.pack(">II", len(whole), start) + whole[start:end])


def test_every_segment() -> None:
    photoshop = resource(0x0404, iim(credit="x"))
    assert names(
        segment(0xE1, b"Exif\0\0" + tiff({0x010F: b"Canon\0"})),
        segment(0xE1, XMP + source_type()),
        segment(0xED, b"Photoshop 3.0\0" + photoshop[:9]),
        segment(0xED, b"Photoshop 3.0\0" + photoshop[9:]),
        segment(0xFE, b"Steps: 20, Sampler: Euler\0"),
    ) == ["Make", TYPE, "", "2:110"]


def test_extended_xmp_in_parts_of_any_order() -> None:
    whole = source_type()
    main = segment(0xE1, XMP + packet(attributes=f'xmpNote:HasExtendedXMP="{GUID.decode()}"'))
    assert names(part(whole, 300, len(whole)), main, part(whole, 0, 300)) == ["xmpNote:HasExtendedXMP", TYPE]


def test_an_extension_that_the_packet_does_not_name_is_not_the_files() -> None:
    whole = source_type()
    main = segment(0xE1, XMP + packet(attributes=f'xmpNote:HasExtendedXMP="{GUID.decode()}"'))
    assert TYPE not in names(main, part(whole, 0, len(whole), b"F" * 32))
    assert TYPE not in names(part(whole, 0, len(whole)))


def test_a_part_that_is_missing_ends_the_extension() -> None:
    whole = source_type()
    main = segment(0xE1, XMP + packet(attributes=f'xmpNote:HasExtendedXMP="{GUID.decode()}"'))
    assert TYPE not in names(main, part(whole, 300, len(whole)))


def test_fill_bytes_and_markers_without_a_length_are_passed() -> None:
    assert names(b"\xff\x01", b"\xff\xff\xff" + segment(0xFE, b"x")[1:]) == [""]


def test_what_stands_behind_the_pixels_is_not_read() -> None:
    assert list(fields(jpeg() + segment(0xFE, b"late"))) == []
    assert list(fields(jpeg(segment(0xFE, b"early")))) == [Field("comment", "", "early")]
