from detectors.declared.containers.gif import fields
from detectors.declared.metadata import Field
from tests.assets.declared import gif, gif_comment, gif_xmp, source_type


def test_comments_of_any_length() -> None:
    long = b"Steps: 20, Sampler: Euler " * 40
    found = list(fields(gif(gif_comment(b"hi"), gif_comment(long))))
    assert found == [Field("comment", "", "hi"), Field("comment", "", long.decode())]


def test_xmp_and_what_follows() -> None:
    found = list(fields(gif(gif_xmp(source_type()), gif_comment(b"hi"))))
    assert [field.name for field in found] == ["Iptc4xmpExt:DigitalSourceType", ""]


def test_endless_blocks_end() -> None:
    endless = gif()[:-1] + b"\x21\xf9" + b"\x01\x00" * 400_000
    assert list(fields(endless)) == []
