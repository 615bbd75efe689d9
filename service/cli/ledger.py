"""countermark ledger."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from service.installation import open_installation
from service.kit.clock import stamp
from service.kit.settings import load_settings
from service.ledger.home_ledger import adopt as adopt_ledger
from service.recovery.deletions import as_lines, deletions_of

app = typer.Typer(help="Which ledger belongs to this installation.", no_args_is_help=True)


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


@app.command("deletions")
def deletions() -> None:
    """List what was erased, revoked or removed: ids as JSON, one a line, for `countermark restore --deletions`."""
    for line in as_lines(deletions_of(open_installation(load_settings()).ledger)):
        print(line)
