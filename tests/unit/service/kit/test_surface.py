"""A field declares once what it is called outside, and what it takes is read from its own type."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.kit.surface import Surface, surface_fields


class Base(BaseModel):
    method: Annotated[Literal["a", "b"] | None, Surface(api="method")] = None


class Model(Base):
    hidden: int = 0
    text: Annotated[str, Field(min_length=1), Surface(api="text", cli="text")]
    mode: Annotated[Literal["x", "y"], Surface(cli="--mode")] = "x"
    names: Annotated[tuple[str, ...], Field(max_length=3), Surface(cli="--name")] = ()
    file: Annotated[bytes | None, Surface(api="file", edits_only=True)] = None
    files: Annotated[tuple[bytes, ...], Field(max_length=4), Surface(api="files")] = ()


FIELDS = {field.name: field for field in surface_fields(Model)}


def test_own_fields_come_before_inherited_ones_and_the_others_not_at_all() -> None:
    assert list(FIELDS) == ["text", "mode", "names", "file", "files", "method"]


def test_the_type_of_one_value() -> None:
    assert [FIELDS[name].item for name in ("text", "names", "file", "files")] == [str, str, bytes, bytes]
    assert {name for name, field in FIELDS.items() if field.repeated} == {"names", "files"}
    assert {name for name, field in FIELDS.items() if field.is_file} == {"file", "files"}


def test_choices_are_those_of_the_literal() -> None:
    assert FIELDS["mode"].choices == ("x", "y")
    assert FIELDS["method"].choices == ("a", "b")
    assert FIELDS["text"].choices == ()


def test_how_many_values() -> None:
    assert (FIELDS["names"].most, FIELDS["files"].most, FIELDS["file"].most, FIELDS["text"].most) == (3, 4, 1, 1)
