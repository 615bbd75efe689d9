import zlib

import pytest

from detectors.declared.containers.png import fields
from detectors.declared.metadata import MAX_VALUE, Field
from tests.assets.declared import chunk, iim, png, resource, source_type, text, tiff

TYPE = "Iptc4xmpExt:DigitalSourceType"


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt+"])
@pytest.mark.parametrize("last", [False, True])
def test_every_kind_of_text(kind: str, last: bool) -> None:
    assert list(fields(png(text("parameters", "城 castle", kind), last=last))) == [
        Field("png_text", "parameters", "城 castle")
    ]


def test_text_that_is_not_utf_8_is_latin_1() -> None:
    assert list(fields(png(chunk(b"tEXt", b"Title\0caf\xe9")))) == [Field("png_text", "Title", "café")]


def profile(kind: str, body: bytes) -> bytes:
    lines = "\n".join(body.hex()[at : at + 72] for at in range(0, 2 * len(body), 72))
    return text(f"Raw profile type {kind}", f"\n{kind}\n{len(body):8d}\n{lines}\n", "zTXt")


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (text("XML:com.adobe.xmp", source_type().decode(), "iTXt"), TYPE),
        (text("XML:com.adobe.xmp", source_type().decode(), "iTXt+"), TYPE),
        (chunk(b"eXIf", tiff({0x010F: b"Canon\0"})), "Make"),
        (profile("exif", b"Exif\0\0" + tiff({0x010F: b"Canon\0"})), "Make"),
        (profile("APP1", b"http://ns.adobe.com/xap/1.0/\0" + source_type()), TYPE),
        (profile("APP1", b"Exif\0\0" + tiff({0x010F: b"Canon\0"})), "Make"),
        (profile("xmp", source_type()), TYPE),
        (profile("iptc", resource(0x0404, iim(credit="x"))), "2:110"),
        (profile("8bim", iim(credit="x")), "2:110"),
    ],
)
def test_packets(part: bytes, name: str) -> None:
    assert [field.name for field in fields(png(part))] == [name]


def test_a_broken_profile_or_text_hides_nothing_behind_it() -> None:
    broken = [
        text("Raw profile type exif", "no hex"),
        text("Raw profile type xmp", "\nxmp\n 3\nzz"),
        chunk(b"zTXt", b"a\0\0junk"),
    ]
    assert list(fields(png(*broken, text("Software", "x"))))[-1] == Field("png_text", "Software", "x")


def test_a_bomb_is_bounded() -> None:
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes([97]) * 30_000_000, 9))
    (field,) = fields(png(bomb))
    assert len(field.value) == MAX_VALUE


def test_a_million_chunks_are_not_walked() -> None:
    assert list(fields(png(chunk(b"prVt", b"") * 100_000, text("Software", "x")))) == []
