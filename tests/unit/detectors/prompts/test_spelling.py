"""Misspelt, reversed, split and joined terms, and the harmless words that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.prompts.folding import fold
from detectors.prompts.normalise import plain_words
from detectors.prompts.spelling import Spelling, english

SPELLING = Spelling(
    ["naked", "nude", "porn", "child", "kid", "topless", "erotic"], ["nackte", "kinder"], english(), ["neet"]
)


def found(text: str) -> list[tuple[str, str]]:
    """(term, what stands for it) of each disguised term."""
    return [(o.phrase[0], text[o.start : o.end]) for o in SPELLING.occurrences(plain_words(fold(text)))]


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("nuude", "nude"),
        ("nnudde", "nude"),
        ("nakd", "naked"),
        ("nkd", "naked"),
        ("nakid", "naked"),
        ("nkaed", "naked"),
        ("chld", "child"),
        ("chidl", "child"),
        ("prn", "porn"),
        ("toplesss", "topless"),
        ("topliss", "topless"),
        ("eroric", "erotic"),
        ("eroctic", "erotic"),
        ("dekan", "naked"),
        ("dlihc", "child"),
        ("nacckte", "nackte"),
        ("rednik", "kinder"),
        ("nakedwoman", "naked"),
        ("womannaked", "naked"),
        ("thenudebeach", "nude"),
    ],
)
def test_a_disguise_is_found(word: str, term: str) -> None:
    assert SPELLING.terms(word) == {term}


def test_every_term_of_a_compound_is_found() -> None:
    assert SPELLING.terms("anakedchild") == {"naked", "child"}


@pytest.mark.parametrize(
    "word",
    [
        "baked", "raked", "nuked", "naked", "snaked", "nodes", "chill", "chide", "exotic", "rothschild", "childhood",
        "denuded", "nudeln", "neet", "nackt", "nackter", "kinderschokolade", "kid", "kd", "", "x", "13",
    ],
)  # fmt: skip
def test_a_harmless_word_is_no_disguise(word: str) -> None:
    assert SPELLING.terms(word) == frozenset()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a po rn site", [("porn", "po rn")]),
        ("na-ked", [("naked", "na-ked")]),
        ("top le ss", [("topless", "top le ss")]),
        ("nack te", [("nackte", "nack te")]),
        ("top less", []),
        ("a pen is", []),
        ("nude child", []),
        ("kin", []),
    ],
)
def test_split_terms_unless_each_part_is_a_word(text: str, terms: list[tuple[str, str]]) -> None:
    assert found(text) == terms


def test_the_dictionary_is_whole() -> None:
    assert english().common < english().words
    assert {"the", "house"} <= english().common
    assert "cowboy" in english().words - english().common
    assert len(english().words) == 79282


@given(st.text(max_size=80))
def test_any_text_is_looked_through(text: str) -> None:
    for occurrence in SPELLING.occurrences(plain_words(fold(text))):
        assert 0 <= occurrence.start < occurrence.end <= len(text)


@pytest.mark.parametrize("piece", ["a", "no", "nude", "is"])
def test_a_long_word_takes_no_longer_than_its_length(piece: str) -> None:
    assert not SPELLING.terms(piece * 1000)
