from detectors.prompts.matching import Phrase, find, index
from detectors.prompts.normalise import Word

PHRASES: list[Phrase] = [("red", "fox"), ("red",), ("whale",)]


def words(text: str) -> list[Word]:
    """Each word as it is written, and where."""
    found, start = [], 0
    for part in text.split(" "):
        found.append(Word(frozenset({part}), start, start + len(part)))
        start += len(part) + 1
    return found


def test_every_occurrence_is_found_with_its_place() -> None:
    found = find(index(PHRASES), words("a red fox sees a red whale"))
    assert [(one.phrase, one.first, one.last) for one in found] == [
        (("red",), 1, 1),
        (("red", "fox"), 1, 2),
        (("red",), 5, 5),
        (("whale",), 6, 6),
    ]
    assert [(one.start, one.end) for one in found] == [(2, 5), (2, 9), (17, 20), (21, 26)]


def test_a_phrase_that_the_text_cuts_off_is_none() -> None:
    assert [one.phrase for one in find(index(PHRASES), words("red"))] == [("red",)]
    assert find(index(PHRASES), []) == []
    assert find(index([]), words("a red fox")) == []
