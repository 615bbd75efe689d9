import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.prompts.folding import fold, fold_char, has_words, is_blank, is_invisible, obfuscations

FE, WIDE_F, ZERO_WIDTH, CYRILLIC_E, SCRIPT_S = "\ufb01", "\uff26", "\u200b", "\u0435", "\U0001d4fc"


def test_each_character_knows_where_it_came_from() -> None:
    folded = fold(f"{FE}x{ZERO_WIDTH}ed {WIDE_F}")
    assert folded.text == "fixed f"
    assert folded.origins == (0, 0, 1, 3, 4, 5, 6)
    assert fold(f"a{ZERO_WIDTH}b", gap=" ").text == "a b"


@pytest.mark.parametrize(
    ("char", "read"),
    [("\u00c9", "e"), (CYRILLIC_E, "e"), (SCRIPT_S, "s"), ("\n", " "), ("\u00a0", " "), (ZERO_WIDTH, "")],
)
def test_a_character_is_what_a_reader_takes_it_for(char: str, read: str) -> None:
    assert fold_char(char) == read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("caf\u00e9 in Paris", []),
        (f"s{CYRILLIC_E}x", ["mixed_script", "look_alikes"]),
        (f"se{ZERO_WIDTH}x", ["zero_width"]),
        (f"{ZERO_WIDTH}sex", []),
        (f"{SCRIPT_S}ex", ["look_alikes"]),
    ],
)
def test_disguises_are_named(text: str, found: list[str]) -> None:
    assert list(obfuscations(text)) == found


@given(st.text(max_size=40))
def test_what_is_folded_stays(text: str) -> None:
    folded = fold(text)
    assert fold(folded.text).text == folded.text
    assert len(folded.text) == len(folded.origins)
    assert list(folded.origins) == sorted(folded.origins)
    assert not any(map(is_invisible, folded.text))


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b", "\t\n\u3000", "\u2800\ufe0f\u200d", "\u0301\u0640", "\u202e \u3164"]
)
def test_text_that_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not has_words(text)


@pytest.mark.parametrize("text", ["🦊", "?!", "❄️ 🔥", "—"])
def test_emoji_and_signs_are_seen_but_are_no_words(text: str) -> None:
    assert not is_blank(text)
    assert not has_words(text)


@pytest.mark.parametrize("text", ["a", "狐", "٣", "🅰", "ー"])
def test_letters_and_digits_of_any_script_are_words(text: str) -> None:
    assert has_words(text)


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_plain_text_is_folded_as_its_characters_are(text: str) -> None:
    folded = fold(text)
    assert folded.text == "".join(map(fold_char, text))
    assert folded.origins == tuple(range(len(text)))
