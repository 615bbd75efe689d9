from hypothesis import given
from hypothesis import strategies as st

from detectors.declared.iim import fields, resources
from detectors.declared.metadata import Field
from tests.assets.declared import iim, resource, source_type


def test_datasets_have_numbers() -> None:
    assert list(fields(iim(credit="Edited with Google AI", caption="城"))) == [
        Field("iptc_iim", "2:110", "Edited with Google AI"),
        Field("iptc_iim", "2:120", "城"),
    ]


def test_an_extended_dataset() -> None:
    block = b"\x1c\x02\x6e\x80\x04\x00\x00\x00\x02hi" + iim(program="y")
    assert [field.value for field in fields(block)] == ["hi", "y"]


def test_resources_with_names_and_odd_lengths() -> None:
    named = b"8BIM\x03\xed\x03abc" + (3).to_bytes(4, "big") + b"xyz\0"
    found = list(resources(named + resource(0x0404, iim(credit="odd")) + resource(0x0424, source_type())))
    assert [field.place for field in found] == ["iptc_iim", "xmp"]


@given(st.binary(max_size=120))
def test_any_bytes_are_read(noise: bytes) -> None:
    list(fields(b"\x1c\x02" + noise))
    list(resources(b"8BIM" + noise))
