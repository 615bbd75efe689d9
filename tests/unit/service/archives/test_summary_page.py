from dataclasses import replace

import pytest

from service.archives.summary import COUNTED, Summary
from service.archives.summary_page import chart, page
from service.presentation.messages import LANGUAGES, Language
from service.presentation.report_page import POLICY
from tests.unit.service.presentation.test_report_page import EVIL, Elements

EMPTY = Summary("somewhere", 0, 0, 0.0, {column: {} for column in COUNTED}, [], [])
ROW = {"number": 0, "path": EVIL, "verdict": None, "error": EVIL, "seconds": 0.5}
FULL = replace(
    EMPTY,
    source=EVIL,
    files=4,
    bytes=2_000_000,
    seconds=2.0,
    counts={**EMPTY.counts, "verdict": {"tampered": 2, "inconclusive": 1}, "error": {EVIL: 1}},
    slowest=[ROW],
    sample=[{**ROW, "verdict": "tampered"}],
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_self_contained_and_escapes_everything(language: Language) -> None:
    text = page(FULL, language)
    elements = Elements(text)
    assert elements.open == []
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    for _, attributes in elements.found:
        assert not {name for name in attributes if name.startswith(("on", "src", "href"))}
    policies = [attributes["content"] for tag, attributes in elements.found if "http-equiv" in attributes]
    assert policies == [POLICY]
    assert "url(" not in text


def test_it_shows_counts_charts_and_rows() -> None:
    text = page(FULL)
    for shown in ("tampered", "2 (50.0 %)", "1 (25.0 %)", "2.0 MB", "500.0 ms", "0.500"):
        assert shown in text
    assert text.count("<svg") == 2  # a column without values has no chart


def test_an_archive_without_files_has_a_page() -> None:
    assert "None." in page(EMPTY)


def test_bars_are_as_long_as_their_shares() -> None:
    made = chart("verdict", "Verdicts", {"tampered": 3, "inconclusive": 1}, 4)
    assert [(bar.width, bar.top, bar.tone) for bar in made.bars] == [(270.0, 0, "changed"), (90.0, 26, "unknown")]
    assert made.height == 52
    (rare,) = chart("verdict", "Verdicts", {"tampered": 1}, 10**6).bars
    assert (rare.width, rare.text) == (2, "1 (less than 0.1 %)")
