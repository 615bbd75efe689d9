"""Language files: what they expand to, what they join, and what is wrong with them."""

from pathlib import Path

import pytest

from detectors.prompts import PromptRules, RuleFileError, normalise
from detectors.prompts.languages import parse

TEST = '[[tests]]\ntext = "ein rotes Rad"\nexpect = ["violence"]\n'
GERMAN = f"""
language = "de"
sources = ["a dictionary"]
ambiguous = ["rad"]
markers = ["ein", "das"]
[forms]
e = ["", "es", "en"]
age = ["drei"]
[lists]
red = ["rot{{e}}", "{{age}} Jahre"]
wheels = ["Rad", "Räder", "@red"]
{TEST}"""
RULES = """
languages = "words"
[lists]
red = ["red"]
wheels = ["wheel"]
[[rules]]
id = "red-wheels"
category = "violence"
severity = "note"
all = [["@red"], ["@wheels"]]
[[tests]]
text = "a red wheel"
expect = ["violence"]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "de.toml").write_text(GERMAN)
    (tmp_path / "rules.toml").write_text(RULES)
    return tmp_path / "rules.toml"


def test_forms_are_written_out_and_folded() -> None:
    german = parse(GERMAN.encode())
    assert german.lists["red"] >= {("rot",), ("rotes",), ("roten",), ("drei", "jahre"), ("1", "jahre"), ("17", "jahre")}
    assert german.lists["wheels"] == {("rad",), ("rader",)} | german.lists["red"]
    assert ("18", "jahre") not in german.lists["red"]


def test_a_rule_finds_the_words_of_every_language(rules: Path) -> None:
    found = PromptRules(rules)
    assert (found.languages, found.tests) == (("de",), 2)
    for text in ("a red wheel", "rotes Rad", "red Räder", "rote Räder und roten wheel"):
        assert [hit.rule for hit in found.hits(normalise(text))] == ["red-wheels"], text


def test_an_ambiguous_word_counts_only_near_its_language(rules: Path) -> None:
    found = PromptRules(rules)
    assert found.hits(normalise("a red rad thing")) == ()
    assert found.hits(normalise("red, red, red, red, red, red, ein, Rad"))
    assert found.hits(normalise("das one two three four Rad is red"))
    assert found.hits(normalise("das one two three four five Rad is red")) == ()


def test_two_ambiguous_words_of_two_lists_tell_the_language(rules: Path) -> None:
    (rules.parent / "words" / "de.toml").write_text(GERMAN.replace('["rad"]', '["rad", "rot"]').replace(', "@red"', ""))
    found = PromptRules(rules)
    assert found.hits(normalise("rot rad"))
    assert found.hits(normalise("rad wheel rad")) == ()


def test_the_digest_covers_the_languages(rules: Path) -> None:
    before = PromptRules(rules).digest
    (rules.parent / "words" / "de.toml").write_text(GERMAN + "# more\n")
    assert PromptRules(rules).digest != before


BROKEN = {
    "a test that fails": (GERMAN.replace("rotes", "blaues"), "de.toml: 1 of 1 tests fail"),
    "no tests": (GERMAN.replace(TEST, ""), "tests"),
    "no TOML": ("[[", "de.toml: "),
    "no source": (GERMAN.replace('["a dictionary"]', "[]"), "sources"),
    "a typo": (GERMAN.replace("markers", "marker"), "marker"),
    "no such list here": (GERMAN.replace('"@red"', '"@reds"'), "no list named reds"),
    "no such list in the rules": (GERMAN.replace("wheels =", "tyres ="), "no list named tyres"),
    "no such forms": (GERMAN.replace("rot{e}", "rot{n}"), "no forms named n"),
    "ambiguous, but in no list": (GERMAN.replace('["rad"]', '["bad"]'), "bad is in no list"),
    "a term without letters": (GERMAN.replace('"Räder"', '"?"'), "no letters"),
    "too many forms": (GERMAN.replace("rot{e}", "rot" + "{e}" * 8), "more than 2000 forms"),
}


@pytest.mark.parametrize(("text", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_a_language_file_that_is_wrong_is_refused(rules: Path, text: str, says: str) -> None:
    (rules.parent / "words" / "de.toml").write_text(text)
    with pytest.raises(RuleFileError, match=says):
        PromptRules(rules)


def test_a_folder_without_language_files_is_refused(rules: Path) -> None:
    (rules.parent / "words" / "de.toml").unlink()
    with pytest.raises(RuleFileError, match="no language file"):
        PromptRules(rules)


def test_a_language_file_that_is_not_text_is_refused(rules: Path) -> None:
    (rules.parent / "words" / "de.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleFileError, match=r"de\.toml"):
        PromptRules(rules)
