"""The documentation points only at things that exist: linked files, headings, and the paths it names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "models/**/*.md", "detectors/**/*.md")
    for page in ROOT.glob(pattern)
    if page.name != "CHANGELOG.md"  # history: it may name what is gone
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:service|detectors|watermark|models|tests|benchmarks|scripts|docs)/[\w./-]+)`")
PLACEHOLDER = re.compile(r"(NAME|NNNN_name)\.py$")
BENCHMARK = re.compile(r"python (benchmarks/\w+\.py|scripts/\w+\.py)")
MODULE = re.compile(r"python -m ((?:service|detectors|models)[\w.]*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {*PATH.findall(text), *BENCHMARK.findall(text)}
    assert sorted(path for path in named if not (ROOT / path).exists() and not PLACEHOLDER.search(path)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_exist(page: Path) -> None:
    named = set(MODULE.findall(page.read_text(encoding="utf-8")))
    assert sorted(module for module in named if not is_module(module)) == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages - linked == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


def test_the_glossary_is_short() -> None:
    terms = re.findall(r"^\*\*", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert 0 < len(terms) <= 25


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("The review queue", "the-review-queue"), ("Keys, and `mark_pool`", "keys-and-mark_pool"), ("A: b & c", "a-b--c")],
)
def test_anchors_are_made_as_github_makes_them(heading: str, anchor: str) -> None:
    assert anchor_of(heading) == anchor


def broken_links(page: Path) -> Iterator[str]:
    """Links of a page to a file or heading of this repository that is not there."""
    for link in LINK.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def anchors(page: Path) -> set[str]:
    return {anchor_of(heading) for heading in HEADING.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8")))}


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_threat_names_a_test() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("## What does not hold")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| who ")]
    assert len(rows) > 40
    for row in rows:
        named = PATH.findall(row.rpartition(" | ")[2])
        assert named, row
        assert all(path.startswith("tests/") and (ROOT / path).is_file() for path in named), row
