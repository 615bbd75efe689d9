"""countermark appeals."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.text import printable
from service.installation import open_installation
from service.kit.errors import BadRequest
from service.kit.settings import load_settings

app = typer.Typer(help="Appeals against refusals, verdicts and takedowns.", no_args_is_help=True)


@app.command("list")
def list_appeals(
    all_: Annotated[bool, typer.Option("--all", help="Include resolved appeals.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List open appeals with their statements, oldest first. The output is confidential."""
    appeals = open_installation(load_settings()).appeals.list(all_=all_)
    if as_json:
        for appeal in appeals:
            print(json.dumps(asdict(appeal)))
        return
    table = Table()
    for heading in ("appeal", "filed", "about", "subject", "status", "statement", "contact"):
        table.add_column(heading, overflow="fold")
    for appeal in appeals:
        cells = (appeal.id, appeal.filed_at, appeal.about, appeal.subject, appeal.status)
        personal = (appeal.personal.get(name, "") for name in ("statement", "contact"))
        table.add_row(*(Text(printable(cell)) for cell in (*cells, *personal)))
    Console().print(table)


@app.command("resolve")
def resolve(
    number: Annotated[str, typer.Argument(help="The appeal's id.", metavar="APPEAL")],
    operator: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Shown to the person who appealed.")],
    upheld: Annotated[bool, typer.Option("--upheld", help="The decision stands.")] = False,
    overturned: Annotated[bool, typer.Option("--overturned", help="The decision was wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Resolve an appeal. Overturning is recorded as an override; for a takedown it reverses the block."""
    if upheld == overturned:
        raise BadRequest("choose --upheld or --overturned", hint="See `countermark appeals resolve --help`.")
    outcome = "upheld" if upheld else "overturned"
    open_installation(load_settings()).appeals.resolve(number, "upheld" if upheld else "overturned", operator, reason)
    print(json.dumps({"appeal": number, "status": outcome}) if as_json else f"{number}: {outcome}")
