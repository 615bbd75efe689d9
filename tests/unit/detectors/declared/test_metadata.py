from collections.abc import Iterator

from detectors.declared.metadata import Field, Metadata, gathered, text_of


def test_values_are_found_without_case() -> None:
    metadata = Metadata((Field("png_text", "Parameters", "a"), Field("exif", "parameters", "b")))
    assert metadata.values("png_text", "parameters") == ("a",)
    assert metadata.text == {"Parameters": "a"}


def test_no_more_is_read_than_a_real_file_has() -> None:
    read = 0

    def endless() -> Iterator[Field]:
        nonlocal read
        while True:
            read += 1
            yield Field("comment", "", "x" * 100_000)

    kept = gathered(endless())
    assert len(kept.fields) == 8
    assert read * 100_000 <= (16 << 20) + 100_000


def test_text_is_utf_8_or_latin_1() -> None:
    assert text_of("生成".encode()) == "生成"
    assert text_of(b"caf\xe9") == "café"
