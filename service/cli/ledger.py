"""countermark ledger."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from service.kit.clock import stamp
from service.kit.settings import load_settings
from service.ledger.home_ledger import adopt as adopt_ledger

app = typer.Typer(help="Which ledger belongs to this installation.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `adopt` a subcommand while it is the only one."""


@app.command("adopt")
def adopt(
    operator: Annotated[str | None, typer.Option(help="Who decides this, as recorded in the ledger.")] = None,
    new_ledger: Annotated[
        bool, typer.Option("--new-ledger", help="Start over with an empty ledger: it knows no image issued before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Accept the ledger that is there as the one of these keys, and record that. To get a lost one back: `restore`."""
    decision = adopt_ledger(load_settings(), operator=operator, new=new_ledger)
    if as_json:
        print(json.dumps({**asdict(decision), "at": stamp(decision.at, "milliseconds"), "body": decision.content}))
    else:
        print(f"The ledger {decision.subject} belongs to this home now; decision {decision.seq} records it.")
