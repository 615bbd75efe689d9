"""countermark takedowns."""

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

app = typer.Typer(help="Takedown notices.", no_args_is_help=True)

CaseNumber = Annotated[str, typer.Argument(help="The case number.", metavar="CASE")]


@app.command("list")
def list_cases(
    all_: Annotated[bool, typer.Option("--all", help="Include decided ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List open notices by due date; overdue ones in red. Shows no personal data."""
    cases = open_installation(load_settings()).takedowns.list(all_=all_)
    if as_json:
        for case in cases:
            print(json.dumps(asdict(case)))
        return
    table = Table()
    for heading in ("case", "due", "status", "image", "quarantined until", "duplicate of"):
        table.add_column(heading, overflow="fold")
    for case in cases:
        due = Text(f"{case.due_at} OVERDUE", "bold red") if case.overdue else Text(case.due_at)
        image = case.content_id or case.sha256 or "by address"
        until = case.quarantined_until or ""
        row = (case.status, image, until, case.duplicate_of or "")
        table.add_row(Text(case.case), due, *map(Text, row))
    Console().print(table)


@app.command("show")
def show(
    number: CaseNumber, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Show a notice with signature, statement and contact. The output is confidential."""
    case, personal = open_installation(load_settings()).takedowns.show(number)
    notice = {**asdict(case), **personal}
    if as_json:
        print(json.dumps(notice))
        return
    for name, value in notice.items():
        if value not in (None, ""):
            Console(highlight=False).print(Text(printable(f"{name:13}{value}")), soft_wrap=True)


@app.command("resolve")
def resolve(
    number: CaseNumber,
    operator: Annotated[str, typer.Option(help="Who decides.")],
    removed: Annotated[bool, typer.Option("--removed", help="The image stays blocked.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="The image is not blocked; needs --reason.")] = False,
    reason: Annotated[str, typer.Option(help="Shown to the reporter.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Decide a notice. Open duplicates about a removed image are decided with it."""
    if removed == rejected:
        raise BadRequest("choose --removed or --rejected", hint="See `countermark takedowns resolve --help`.")
    outcome = "removed" if removed else "rejected"
    takedowns = open_installation(load_settings()).takedowns
    decided = takedowns.resolve(number, "removed" if removed else "rejected", operator, reason)
    print(json.dumps({"decided": decided, "status": outcome}) if as_json else f"{', '.join(decided)}: {outcome}")


@app.command("forget")
def forget(
    number: CaseNumber, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Erase the personal data of a decided notice. This cannot be undone."""
    open_installation(load_settings()).takedowns.forget(number)
    print(json.dumps({"forgotten": number}) if as_json else f"{number}: personal data erased; decision and block stay")
