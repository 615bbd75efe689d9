"""What a digital source type says about where pixels come from.

IPTC's vocabulary (https://cv.iptc.org/newscodes/digitalsourcetype/) and C2PA's own terms (C2PA 2.4, section 18.15.4).
Terms compare by their last path part, case included: `http:` and `https:` forms and bare words occur in real files.
"""

from collections.abc import Mapping
from enum import StrEnum


class Source(StrEnum):
    """Where pixels come from, as far as one source type says."""

    TRAINED = "trained"
    """A generative model made them."""
    ALGORITHMIC = "algorithmic"
    """An algorithm made them that was not trained on examples."""
    COMPOSITE = "composite"
    """Some of them are generated."""
    CAPTURE = "capture"
    """A camera or a scanner recorded them."""
    OTHER = "other"
    """Something else made them: a person, a screen, a program of no generative kind."""
    AMBIGUOUS = "ambiguous"
    """Several things were put together, and the type does not say of what kind."""


_SOURCES: Mapping[Source, tuple[str, ...]] = {
    Source.TRAINED: ("trainedAlgorithmicMedia", "trainedAlgorithmicData"),
    Source.ALGORITHMIC: ("algorithmicMedia",),
    Source.COMPOSITE: ("compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"),
    Source.CAPTURE: (
        "digitalCapture", "computationalCapture", "multiFrameComputationalCapture", "compositeCapture",
        "negativeFilm", "positiveFilm", "print",
    ),
    Source.OTHER: (
        "digitalCreation", "digitalArt", "humanEdits", "minorHumanEdits", "algorithmicallyEnhanced", "dataDrivenMedia",
        "screenCapture", "virtualRecording", "softwareImage", "empty",
    ),
    Source.AMBIGUOUS: ("composite",),
}  # fmt: skip
_BY_TERM: Mapping[str, Source] = {term: source for source, terms in _SOURCES.items() for term in terms}


def term(source_type: str | None) -> str:
    """The last path part of a source type; empty if there is none."""
    return (source_type or "").strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def source(source_type: str | None) -> Source | None:
    """What a source type says; None if there is none, or if the term is in neither vocabulary."""
    return _BY_TERM.get(term(source_type))
