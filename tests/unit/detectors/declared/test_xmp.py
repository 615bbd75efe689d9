import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.declared.metadata import Field
from detectors.declared.xmp import fields
from tests.assets.declared import NAMESPACES, RDF, TRAINED, packet, source_type

TYPE = "Iptc4xmpExt:DigitalSourceType"


def values(data: bytes, name: str = TYPE) -> list[str]:
    return [field.value for field in fields(data) if field.name == name]


@pytest.mark.parametrize(
    "data",
    [
        source_type(),
        packet(f"<{TYPE}> {TRAINED}\n</{TYPE}>"),
        packet(f'<{TYPE} rdf:resource="{TRAINED}"/>'),
        packet(f"<{TYPE}><rdf:Bag><rdf:li>{TRAINED}</rdf:li></rdf:Bag></{TYPE}>"),
        packet(f'<{TYPE}><rdf:Seq><rdf:li rdf:resource="{TRAINED}"/></rdf:Seq></{TYPE}>'),
        packet(f'<{TYPE} rdf:parseType="Resource"><rdf:value>{TRAINED}</rdf:value></{TYPE}>'),
        packet(f"<{TYPE}><rdf:Description><rdf:value>{TRAINED}</rdf:value></rdf:Description></{TYPE}>"),
        source_type().replace(b"Iptc4xmpExt:", b"ext:").replace(b"xmlns:Iptc4xmpExt", b"xmlns:ext"),
        source_type().replace(b"http://iptc.org", b"https://IPTC.org"),
        source_type().decode().encode("utf-16"),
        source_type().decode().encode("utf-16-be"),
        source_type().decode().encode("utf-32-le"),
        b"\xef\xbb\xbf" + source_type().replace("\ufeff".encode(), b""),
        source_type() + b"\0" * 500,
        source_type() + b"trailing",
        b"\n  " + source_type(),
        source_type().replace(b'rdf:about=""', b'rdf:about="uuid:1"'),
    ],
)
def test_a_property_is_read_in_every_form(data: bytes) -> None:
    assert values(data) == [TRAINED]


NESTED = f"<rdf:Description {TYPE}='{TRAINED}'/>"


@pytest.mark.parametrize(
    "inner",
    [
        f"<xmpMM:Pantry><rdf:Bag><rdf:li>{NESTED}</rdf:li></rdf:Bag></xmpMM:Pantry>",
        f"<xmpMM:Pantry><rdf:Bag><rdf:li rdf:parseType='Resource'><{TYPE}>{TRAINED}</{TYPE}></rdf:li></rdf:Bag>"
        "</xmpMM:Pantry>",
        f"<xmpMM:Ingredients><rdf:Bag><rdf:li {TYPE}='{TRAINED}'/></rdf:Bag></xmpMM:Ingredients>",
        f"<xmpMM:DerivedFrom>{NESTED}</xmpMM:DerivedFrom>",
        f"<xmpMM:DerivedFrom rdf:parseType='Resource'><{TYPE}>{TRAINED}</{TYPE}></xmpMM:DerivedFrom>",
        f"<xmpMM:History><rdf:Seq><rdf:li stEvt:action='saved' {TYPE}='{TRAINED}'/></rdf:Seq></xmpMM:History>",
    ],
)
def test_what_is_said_about_another_file_is_not_about_this_one(inner: str) -> None:
    assert values(packet(inner)) == []


def test_another_resource_in_the_packet_is_another_file() -> None:
    other = (
        f'<rdf:Description rdf:about="uuid:other" xmlns:Iptc4xmpExt="{NAMESPACES["Iptc4xmpExt"]}" {TYPE}="{TRAINED}"/>'
    )
    whole = packet().replace(b"</rdf:RDF>", other.encode() + b"</rdf:RDF>")
    assert values(whole) == []


def test_a_structure_has_its_fields_below_it() -> None:
    inner = "<TC260:AIGC rdf:parseType='Resource'><TC260:Label>1</TC260:Label></TC260:AIGC>"
    assert values(packet(inner), "TC260:AIGC/TC260:Label") == ["1"]


def test_an_unknown_namespace_is_kept_whole() -> None:
    assert Field("xmp", "{urn:x}y", "1") in list(fields(packet('<n:y xmlns:n="urn:x">1</n:y>')))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<",
        b"not XML",
        BOMB.encode() + packet("<dc:x>&b;</dc:x>"),
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + packet("<dc:x>&a;</dc:x>"),
        b"<a>" * 100_000,
        f'<rdf:RDF xmlns:rdf="{RDF}">'.encode() + b"<a/>" * 100_000,
        f'<rdf:RDF xmlns:rdf="{RDF}">'.encode() + b"<rdf:Description>" * 50_000,
    ],
)
def test_hostile_packets_give_nothing(data: bytes) -> None:
    assert list(fields(data)) == []


@given(st.binary(max_size=200), st.integers(0, 900))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read(noise: bytes, at: int) -> None:
    whole = source_type()
    list(fields(noise))
    list(fields(whole[:at] + noise + whole[at:]))
