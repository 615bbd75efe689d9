import io

import numpy as np
import pytest
from PIL import Image

from detectors import read_metadata
from service.media.file_metadata import NO_METADATA, FileMetadata
from service.media.pictures import OutputFormat, encode

PIXELS = np.random.default_rng(3).integers(0, 255, (48, 64, 3), dtype=np.uint8)
METADATA = FileMetadata(
    xmp={"photoshop:Credit": 'Söhne & <"Töchter"> \x07城', "Iptc4xmpExt:DigImageGUID": "urn:uuid:7"},
    text={"AIGC": '{"Label":"1"}'},
    comment='{"AIGC":{"Label":"1"}}',
)


def read_back(data: bytes) -> dict[str, str]:
    return {field.name: field.value for field in read_metadata(data).fields}


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif", "tiff"])
def test_what_is_written_reads_back_and_the_pixels_stay(form: OutputFormat) -> None:
    data, _ = encode(PIXELS, form, METADATA)
    found = read_back(data)
    assert found["photoshop:Credit"] == 'Söhne & <"Töchter"> 城'
    assert found["Iptc4xmpExt:DigImageGUID"] == "urn:uuid:7"
    label = {"png": "AIGC", "tiff": "ImageDescription"}.get(form, "UserComment")
    assert found[label] == (METADATA.text["AIGC"] if form == "png" else METADATA.comment)
    bare, _ = encode(PIXELS, form)
    assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(bare)).tobytes()


def test_nothing_to_write_changes_nothing() -> None:
    assert not NO_METADATA
    assert NO_METADATA.options("jpeg") == {}
    assert NO_METADATA.into_png(b"x") == b"x"
    assert encode(PIXELS, "jpeg", FileMetadata(xmp={"xmp:CreateDate": "x"}))[0] != encode(PIXELS, "jpeg")[0]


def test_a_packet_needs_a_known_namespace() -> None:
    with pytest.raises(KeyError):
        FileMetadata(xmp={"unknown:Field": "x"}).packet()
