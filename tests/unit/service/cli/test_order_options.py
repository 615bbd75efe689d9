"""The options of `countermark generate` are the fields of an order."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from service.cli.order_options import order_options, order_values
from service.gateway.order import Order
from service.kit.errors import FileUnreadable
from service.kit.surface import surface_fields


@pytest.fixture
def given() -> dict[str, Any]:
    return {}


@pytest.fixture
def app(given: dict[str, Any]) -> typer.Typer:
    made = typer.Typer(rich_markup_mode=None)

    @made.command()
    @order_options
    def command(own: str = "", **options: Any) -> None:
        given.update(options, own=own)

    return made


def test_every_field_that_the_command_line_offers_is_an_option(app: typer.Typer) -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())  # without line breaks
    offered = [field for field in surface_fields(Order) if field.surface.cli]
    assert len(offered) > 15
    for field in offered:
        assert str(field.surface.cli) in shown.lower()
        assert str(field.info.description).replace("`", "") in shown
        assert all(choice in shown for choice in field.choices)


def test_values_arrive_by_the_names_of_the_fields(app: typer.Typer, given: dict[str, Any]) -> None:
    words = ["a lake", "--own", "x", "--steps", "4", "--guidance", "2", "--adapter", "a", "--adapter", "b:0.5"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (given.pop("own"), given["prompt"], given["negative_prompt"]) == ("x", "a lake", "")
    order = Order(**order_values(given, 1))
    assert order == Order(prompt="a lake", steps=4, guidance=2.0, adapters=("a", "b:0.5"))


def test_an_unset_option_is_the_fields_default(app: typer.Typer, given: dict[str, Any]) -> None:
    assert CliRunner().invoke(app, ["a lake"]).exit_code == 0
    given.pop("own")
    assert Order(**order_values(given, 1)) == Order(prompt="a lake")


def test_files_are_read(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode())
    paths = [str(tmp_path / name) for name in ("one", "two")]
    values = order_values({"image": paths[0], "mask": None, "references": paths}, 10)
    assert values == {"image": b"one", "mask": None, "references": (b"one", b"two")}
    with pytest.raises(FileUnreadable):
        order_values({"image": str(tmp_path / "none")}, 10)


def test_a_word_that_is_no_number_is_refused_by_the_command_line(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["a lake", "--steps", "many"]).exit_code == 2


def test_the_signature_has_no_keywords_left() -> None:
    @order_options
    def command(own: str = "", **options: Any) -> None: ...

    assert all(each.kind is each.KEYWORD_ONLY for each in inspect.signature(command).parameters.values())
