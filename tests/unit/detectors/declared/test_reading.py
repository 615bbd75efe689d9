import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import declarations, read_metadata
from service.media.pictures import ImageLimits, decode
from tests.assets import declared as files
from tests.assets.declared import source_type, tiff

XMP, EXIF = source_type(), tiff({0x0131: b"Midjourney\0"})
PLACES = {
    "png": files.png(files.text("Software", "Midjourney")),
    "jpeg": files.jpeg(files.segment(0xE1, b"Exif\0\0" + EXIF)),
    "webp": files.riff((b"EXIF", EXIF)),
    "avif": files.saved("AVIF", xmp=XMP, exif=EXIF),
    "heic": files.heic(EXIF, XMP),
    "tiff": files.saved("TIFF", tiffinfo={0x0131: "Midjourney"}),
    "gif": files.gif(files.gif_xmp(XMP)),
    "jxl": b"\0\0\0\x0cJXL \r\n\x87\n" + files.box(b"xml ", XMP),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + XMP.partition(b"?>")[2] + b"</metadata></svg>",
    "mp4": files.box(b"ftyp", b"isom\0\0\0\0")
    + files.box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP),
}


@pytest.mark.parametrize("form", PLACES)
def test_every_format_is_read(form: str) -> None:
    assert {each.origin for each in declarations(read_metadata(PLACES[form]))} == {"synthetic"}


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG", b"RIFF", b"GIF89a", b"%PDF-1.7", b"\xff\xd8\xff", b"\0\0\0\x1cftypavif"]
)
def test_a_beginning_alone_has_no_metadata(data: bytes) -> None:
    assert read_metadata(data).fields == ()


def test_the_decoder_reads_the_alpha_channel_too() -> None:
    data = files.stealthy(gzip.compress(b'{"Software": "NovelAI", "Comment": "{}"}'))
    metadata = decode(data, ImageLimits(1 << 20, 1 << 20)).metadata
    assert [each.rule for each in declarations(metadata)] == ["novelai-stealth"]
    assert read_metadata(data).fields == ()


@given(st.sampled_from(sorted(PLACES)), st.data())
@settings(max_examples=120, deadline=None)
def test_any_file_is_read_to_the_end(form: str, data: st.DataObject) -> None:
    whole = bytearray(PLACES[form])
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    declarations(read_metadata(bytes(whole[: data.draw(st.integers(0, len(whole)))])))
