import pytest

from detectors.declared.declarations import declarations
from detectors.declared.metadata import Field, Metadata
from detectors.declared.table import TABLE, Rule, TableError, load, rules

ROW = """
[[declaration]]
id = "painter"
tool = "Painter"
where = ["png_text:painter_settings"]
json = { has = ["brush"] }
declares = "synthetic"
forging = "structure"
spec = "https://example.org"
example = { field = "png_text:painter_settings", text = '{"brush": 3}', declares = "synthetic" }
false_friends = [{ field = "png_text:painter_settings", text = "oil" }]
"""
SOFTWARE = (
    '[[software]]\nid = "painter-name"\nname = "Painter Pro"\nexample = "Painter Pro 3"\nspec = "https://example.org"\n'
)


def check(rule: Rule, table: tuple[Rule, ...]) -> None:
    """Every example of a row declares what it says, by that row, whatever rows stand around it."""
    for example in rule.examples:
        found = [(each.rule, each.origin) for each in declarations(Metadata((example.field,)), table)]
        assert found == ([(rule.id, example.declares)] if example.declares else []), example


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_the_examples_of_every_row(rule: Rule) -> None:
    check(rule, rules())


def test_a_tool_is_added_by_its_row_alone() -> None:
    table = load(TABLE.read_text(encoding="utf-8") + ROW + SOFTWARE)
    assert len(table) == len(rules()) + 2
    for rule in table:
        check(rule, table)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("synthetic", "synthetik"),
        ("png_text:painter_settings", "painter_settings"),
        ("png_text:", "pdf:"),
        ('has = ["brush"]', "has = 3"),
        ('json = { has = ["brush"] }', ""),
        ('json = { has = ["brush"] }', "pattern = '('"),
        ('forging = "structure"', 'forging = "hard"'),
        ('spec = "https://example.org"', ""),
        ("\n[[declaration]]", '\n[[declaration]]\nvalues = { a = "camera" }'),
        ("example = { field", "eg = { field"),
    ],
)
def test_a_wrong_row_is_named(old: str, new: str) -> None:
    assert old in ROW
    with pytest.raises(TableError, match="painter"):
        load(ROW.replace(old, new))


def test_ids_are_unique() -> None:
    with pytest.raises(TableError, match="same id"):
        load(ROW + ROW)


def test_a_camera_is_asked_last() -> None:
    kinds = [rule.declares == "camera" for rule in rules()]
    assert kinds == sorted(kinds)
    field = Field("exif", "Make", "Apple Image Playground")
    assert [each.origin for each in declarations(Metadata((field,)))] == ["synthetic"]
