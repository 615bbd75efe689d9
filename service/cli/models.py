"""countermark models."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import Card, ModelError, all_cards

app = typer.Typer(help="The models this installation knows.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `list` a subcommand while it is the only one."""


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List every model card, and whether its files are here and the right ones."""
    import json  # noqa: PLC0415

    cards = [(card, _state(card)) for card in all_cards()]
    if as_json:
        for card, state in cards:
            print(json.dumps({**card.model_dump(mode="json"), "digest": card.digest, "state": state}))
        return
    table = Table()
    for heading in ("model", "task", "state", "licence", "digest"):
        table.add_column(heading, overflow="fold")
    for card, state in cards:
        table.add_row(card.identity, card.task, state, card.licence, card.digest[:16])
    Console().print(table)


def _state(card: Card) -> str:
    try:
        card.verified_root()
    except ModelError as fault:
        return f"unusable: {fault}"
    return "ready"
