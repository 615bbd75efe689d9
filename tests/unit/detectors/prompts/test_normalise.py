import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.prompts.folding import fold, fold_char
from detectors.prompts.normalise import MAX_CHARACTERS, canonical, normalise

LOOK_ALIKES = {
    "zero-width": "n\u200bu\u200dd\u2060e",
    "soft hyphen": "nu\u00adde",
    "right to left": "\u202enude\u202c",
    "variation selectors": "n\ufe0fu\U000e0100de",
    "tags": "nu\U000e0041de",
    "full width": "ＮＵＤＥ",  # noqa: RUF001
    "mathematical": "𝓷𝖚𝒅𝙚",  # noqa: RUF001
    "cyrillic": "nudе",  # noqa: RUF001
    "greek": "ηude",
    "small capitals": "ɴᴜᴅᴇ",
    "regional indicators": "🇳🇺🇩🇪",
    "negative squared": "🅽🆄🅳🅴",
    "accents": "n̈ûdé",
    "zalgo": "n̷̡̛u̶̢d̸̰e̴͓",
    "leet inside": "nud3",
    "spaced": "n u d e",
    "dots": "n.u.d.e.",
    "dashes": "n-u-d-e",
    "wide gaps": "n   u   d   e",
    "repeated": "nuuuudeee",
    "spaced leet": "n u d 3",
    "all at once": "Ｎ.\u200bU.ԁ.3",  # noqa: RUF001
}


@pytest.mark.parametrize("disguised", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_disguises_come_off(disguised: str) -> None:
    assert normalise(f"the {disguised}; woman").text == "the nude woman"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("a plain photo of the 80s, 35mm, 8k, f 1 . 4, r2d2's friend", ()),
        ("❤\ufe0f\u200d🔥 a café in Zürich, Москва", ("look_alikes",)),
        ("café in Zürich", ()),
        ("10 µm of Ω", ("look_alikes",)),
        ("nu\u200bde", ("zero_width",)),
        ("nudе", ("look_alikes", "mixed_script")),  # noqa: RUF001
        ("ｎｕｄｅ", ("look_alikes",)),  # noqa: RUF001
        ("n.u.d.e", ("spaced_letters",)),
        ("nuuude", ("repeated_letters",)),
        ("p0rn", ("leet",)),
    ],
)
def test_flags_tell_what_came_off(text: str, flags: tuple[str, ...]) -> None:
    assert normalise(text).flags == flags


def test_what_ordinary_prompts_keep() -> None:
    text = "portrait, 35mm, 8k, 1 9 6 0 s film, ps5, covid19, 4000 stars, R&B, mother's day"
    assert normalise(text).text == "portrait 35mm 8k 1 9 6 0 s film ps5 covid19 4000 stars r b mother s day"


TEXTS = st.text(max_size=300) | st.text("aet s0315$@!.-\u200bеａ \t_🅰é", max_size=60)  # noqa: RUF001


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert canonical(fold(once).text) == once
    if len(once) <= MAX_CHARACTERS:
        assert normalise(once).text == once


@given(TEXTS)
def test_words_lie_inside_the_original(text: str) -> None:
    found = normalise(text)
    assert found.original == text
    for word in (word for reading in found.readings for word in reading):
        assert 0 <= word.start < word.end <= len(text)
        assert word.forms


@given(st.characters(codec="utf-8"))
def test_folding_a_character_twice_changes_nothing(c: str) -> None:
    assert fold(fold_char(c)).text == fold_char(c)


def test_a_word_knows_its_place() -> None:
    text = "the Ｎu\u200bde!"  # noqa: RUF001
    word = normalise(text).readings[0][1]
    assert "nude" in word.forms
    assert text[word.start : word.end] == "Ｎu\u200bde"  # noqa: RUF001


def test_too_long_is_refused_and_not_cut() -> None:
    normalise("x" * MAX_CHARACTERS)
    with pytest.raises(ValueError, match="2000"):
        normalise("x" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("piece", ["a ", "1!", "a1", "$@", "aaab", "\u200b", "ﷺ", "n.", "!a", "1l|!"])
def test_hostile_repetition_ends(piece: str) -> None:
    """The slowest of these takes a few hundredths of a second; a runaway would hang the test."""
    normalise((piece * MAX_CHARACTERS)[:MAX_CHARACTERS])
