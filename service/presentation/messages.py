"""The words of pages and reports: one catalogue a language, as data beside this module.

English reasons, conflicts and limits are declared in code, beside the evidence that they describe. A catalogue of
another language translates them by their codes. A text that it lacks appears in English.
"""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, get_args

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: Mapping[Language, str] = {"en": "English", "de": "Deutsch"}
"""What each language calls itself."""

FROM_CODE = ("reason", "conflict", "limit")
"""Sections that only translations have."""


@dataclass(frozen=True, slots=True)
class Messages:
    """One language's texts, by `section.name` or `section.kind.name`."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text with `values` filled in. Raises KeyError for a text that is in no catalogue."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def find(self, key: str) -> str | None:
        """The text as it is, or None."""
        return self.texts.get(key)

    def translated(self, key: str, english: str) -> str:
        """The translation of a text that is declared in code, or its English."""
        return self.texts.get(key, english)


@functools.cache
def messages(language: Language) -> Messages:
    """The catalogue of a language. What it lacks of the pages' own texts is English."""
    return Messages(language, {**catalogue("en"), **catalogue(language)})


def catalogue(language: Language) -> dict[str, str]:
    """The texts that a language's file has itself."""
    source = files("service.presentation") / "messages" / f"{language}.toml"
    return dict(_flat(tomllib.loads(source.read_text(encoding="utf-8"))))


def chosen_language(asked: str | None, accepted: str) -> Language:
    """The language of a page. `asked`: what the reader chose; `accepted`: the header Accept-Language.

    English if neither names a language that there is.
    """
    if asked in LANGUAGES:
        return asked
    ranked = sorted(_weighted(accepted), key=lambda each: -each[1])
    return next((name for name, weight in ranked if weight > 0 and name in LANGUAGES), "en")


def _weighted(accepted: str) -> Iterator[tuple[str, float]]:
    """Primary language tags of Accept-Language with their weights, in order (RFC 9110, 12.5.4)."""
    for part in accepted[:1000].split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        yield tag.strip().partition("-")[0].lower(), weight


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            yield from _flat(value, f"{prefix}{name}.")
