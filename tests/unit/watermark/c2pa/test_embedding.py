"""Where the store lies is asked of the SDK's own files; see test_signing.py for what readers say of the result."""

import pytest

from watermark.c2pa.embedding import replace_store


def test_only_a_store_of_the_same_length_fits() -> None:
    with pytest.raises(ValueError, match="same length"):
        replace_store(b"RIFFstore", "image/webp", b"store", b"longer")


@pytest.mark.parametrize("mime", ["image/webp", "image/tiff", "image/avif", "image/png", "image/jpeg"])
@pytest.mark.parametrize("data", [b"", b"\xff\xd8 nothing here", b"\xff\xd8\xff\xeb\0\x0cJP\0\1\0\0\0\1stor"])
def test_a_store_that_is_not_there(mime: str, data: bytes) -> None:
    with pytest.raises(ValueError, match="not in the file"):
        replace_store(data, mime, b"store", b"other")


def test_a_store_that_is_there_twice() -> None:
    with pytest.raises(ValueError, match="exactly once"):
        replace_store(b"storestore", "image/tiff", b"store", b"other")


def test_a_png_chunk_gets_its_checksum() -> None:
    import zlib

    data = b"....caBXstore" + bytes(4) + b"rest"
    replaced = replace_store(data, "image/png", b"store", b"other")
    assert replaced == b"....caBXother" + zlib.crc32(b"caBXother").to_bytes(4, "big") + b"rest"
