"""What the manifest's kinds and sources are called: the detector's kinds, reported subjects, generator families."""

from __future__ import annotations

import tomllib
from pathlib import Path

_TABLE = tomllib.loads((Path(__file__).parent / "subjects.toml").read_text(encoding="utf-8"))

NETWORK_SAW: frozenset[str] = frozenset(_TABLE["network"]["trained_on"])
"""Groups that the shipped network was fine-tuned on."""

_KIND: dict[str, str] = {word: kind for kind, words in _TABLE["kinds"].items() for word in words}
_KIND_OF_SOURCE: dict[str, str] = {
    source: kind for kind, sources in _TABLE["kind_of_source"].items() for source in sources
}
_SUBJECT_OF_SOURCE: dict[str, str] = {
    source: name for name, sources in _TABLE["subject_of_source"].items() for source in sources
}
_KIND_OF_SUBJECT: dict[str, str] = _TABLE["kind_of_subject"]
_ONLY_REAL = frozenset({None, "portrait", "photograph"})
_HEADSHOTS, _ALWAYS = frozenset(_TABLE["headshots"]["sources"]), frozenset(_TABLE["always"]["kinds"])


def kind_of(word: str, source: str, fake: bool) -> str | None:
    """The detector's kind of an image that the manifest calls `word`; None if the manifest does not say.

    Raises:
        ValueError: the manifest's word is not known.
    """
    if word != "mixed" and word not in _KIND:
        raise ValueError(f"subjects.toml does not know the kind {word!r}")
    subject = subject_of(word, source)
    kind = _KIND.get(word)
    if word in ("photo", "portrait"):
        kind = _KIND_OF_SOURCE.get(source, kind)
    if kind not in _ONLY_REAL:
        return kind
    return None if fake else _KIND_OF_SUBJECT.get(subject, kind)


def subject_of(word: str, source: str) -> str:
    """What an image shows, as the tables name it: `headshot`, `stock`, `phone photo`, ..."""
    if word == "portrait" and source in _HEADSHOTS:
        return "headshot"
    known = _SUBJECT_OF_SOURCE.get(source)
    if known == "stock" and word in _ALWAYS - {"illustration"}:
        return word
    if known and not (word in _ALWAYS and known in ("phone photo", "product")):
        return known
    return str(_TABLE["subject_of_kind"].get(word, word))


def generator_of(source: str) -> str:
    """The family of the generator that a source names; `other` if none is known."""
    name = source.lower()
    for family, patterns in _TABLE["generators"].items():
        if any(pattern.lower() in name for pattern in patterns):
            return str(family)
    return "other"
