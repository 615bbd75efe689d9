import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import Metadata, declarations

IPTC = '<rdf:li Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{}"/>'
AIGC = '{"AIGC": {"Label": "1", "ContentProducer": "x"}}'


@pytest.mark.parametrize(
    ("metadata", "source", "origin"),
    [
        (Metadata(xmp=IPTC.format("trainedAlgorithmicMedia")), "iptc", "synthetic"),
        (Metadata(xmp=IPTC.format("compositeWithTrainedAlgorithmicMedia")), "iptc", "composite"),
        (Metadata(xmp=IPTC.format("digitalCapture")), "iptc", "camera"),
        (Metadata(xmp=IPTC.format("somethingNew")), "iptc", "unknown"),
        (Metadata(text={"parameters": "a castle\nSteps: 20"}), "png_text", "synthetic"),
        (Metadata(text={"workflow": "{}"}), "png_text", "synthetic"),
        (Metadata(text={"Software": "NovelAI"}), "png_text", "synthetic"),
        (Metadata(text={"AIGC": AIGC}), "aigc", "synthetic"),
        (Metadata(text={"AIGC": '{"Label": "2"}'}), "aigc", "unknown"),
        (Metadata(text={"AIGC": "not json"}), "aigc", "unknown"),
        (Metadata(xmp='<x TC260:AIGC="{&quot;Label&quot;:&quot;1&quot;}"/>'), "aigc", "synthetic"),
        (Metadata(exif={0x0131: "Stable Diffusion XL"}), "exif", "synthetic"),
        (Metadata(exif={0x010F: "Canon", 0x0110: "EOS R5"}), "exif", "camera"),
    ],
)
def test_what_is_declared(metadata: Metadata, source: str, origin: str) -> None:
    (declaration,) = declarations(metadata)
    assert (declaration.source, declaration.origin) == (source, origin)


@pytest.mark.parametrize(
    "metadata", [Metadata(), Metadata(text={"Software": "GIMP 2.10"}), Metadata(exif={0x0131: "Adobe Photoshop"})]
)
def test_silence_declares_nothing(metadata: Metadata) -> None:
    assert declarations(metadata) == []


def test_contradictions_are_all_told() -> None:
    both = Metadata(text={"parameters": "x"}, exif={0x010F: "Canon"})
    assert {d.origin for d in declarations(both)} == {"synthetic", "camera"}


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=200)), st.text(max_size=500))
def test_any_metadata_is_read(text: dict[str, str], xmp: str) -> None:
    for declaration in declarations(Metadata({**text, "AIGC": xmp}, xmp, {0x0131: xmp})):
        assert len(declaration.value) <= 500


def test_a_hostile_packet_costs_linear_work() -> None:
    """Each `>` used to start a search to the end of the packet; now it is bounded, and so is what is found."""
    assert declarations(Metadata(xmp="TC260:AIGC>" * 50_000)) == []
