import pytest

from watermark.c2pa.source_types import Source, source, term

IPTC = "cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("http://" + IPTC + "trainedAlgorithmicMedia", Source.TRAINED),
        ("https://" + IPTC + "trainedAlgorithmicMedia", Source.TRAINED),
        ("trainedAlgorithmicMedia", Source.TRAINED),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", Source.TRAINED),
        ("http://" + IPTC + "algorithmicMedia", Source.ALGORITHMIC),
        ("http://" + IPTC + "compositeWithTrainedAlgorithmicMedia/", Source.COMPOSITE),
        ("http://" + IPTC + "positiveFilm", Source.CAPTURE),
        ("http://c2pa.org/digitalsourcetype/empty", Source.OTHER),
        ("http://" + IPTC + "composite", Source.AMBIGUOUS),
        ("http://" + IPTC + "TrainedAlgorithmicMedia", None),  # terms are case-sensitive
        ("http://example.org/untrainedAlgorithmicMedia", None),
        ("", None),
        (None, None),
    ],
)
def test_terms_compare_by_their_last_part(written: str | None, answer: Source | None) -> None:
    assert source(written) is answer


def test_term() -> None:
    assert term("http://" + IPTC + "print") == "print"
    assert term(None) == ""
