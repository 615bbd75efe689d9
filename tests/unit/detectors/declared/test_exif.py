import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.declared.exif import fields
from detectors.declared.metadata import Field
from tests.assets.declared import iim, packet, resource, source_type, tiff, user_comment

WORDS = "a castle, Steps: 20, 城"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"ASCII\0\0\0hello", "hello"),
        (b"UNICODE\0" + WORDS.encode("utf-16-le"), WORDS),
        (b"UNICODE\0" + WORDS.encode("utf-16-be"), WORDS),
        (b"Unicode\0" + WORDS.encode("utf-16"), WORDS),
        (b"UNICODE\0hello", "hello"),
        (b"JIS\0\0\0\0\0" + "城".encode("iso2022_jp"), "城"),
        (b"\0" * 8 + WORDS.encode(), WORDS),
        (b'{"seed": 1}', '{"seed": 1}'),  # no prefix at all
    ],
)
def test_a_user_comment_is_read_in_every_encoding(order: str, raw: bytes, value: str) -> None:
    assert list(fields(user_comment(raw, order))) == [Field("exif", "UserComment", value)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_of_both_byte_orders(order: str) -> None:
    block = tiff(
        {0x010F: b"Canon\0", 0x0131: b"GIMP\0\0\0", 0x9C9C: "原".encode("utf-16-le"), 0x0110: b"R5\0"}, order=order
    )
    found = {field.name: field.value for field in fields(b"Exif\0\0" + block)}
    assert found == {"Make": "Canon", "Model": "R5", "Software": "GIMP", "XPComment": "原"}


def test_a_comment_in_the_first_directory_counts() -> None:
    assert list(fields(tiff({0x9286: b"hello there"}))) == [Field("exif", "UserComment", "hello there")]


def test_packets_in_tags() -> None:
    block = tiff({0x02BC: source_type(), 0x83BB: iim(credit="x"), 0x8649: resource(0x0404, iim(program="y"))})
    assert {field.name for field in fields(block)} == {"Iptc4xmpExt:DigitalSourceType", "2:110", "2:65"}


def test_the_numbered_parts_of_a_workflow_are_descriptions() -> None:
    assert list(fields(tiff({0x010D: b"Workflow:{}"}))) == [Field("exif", "ImageDescription", "Workflow:{}")]


def test_a_directory_that_points_at_itself_ends() -> None:
    block = bytearray(tiff({0x010F: b"Canon\0"}, {0x9286: b"hello"}))
    block[block.index(b"\x69\x87") + 8 : block.index(b"\x69\x87") + 12] = (8).to_bytes(4, "little")
    assert [field.value for field in fields(bytes(block))] == ["Canon", "Canon"]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_read_up_to_the_damage(data: st.DataObject) -> None:
    whole = bytearray(tiff({0x010F: b"Canon\0", 0x02BC: packet()}, {0x9286: b"ASCII\0\0\0hello"}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    list(fields(bytes(whole[: data.draw(st.integers(0, len(whole)))])))
