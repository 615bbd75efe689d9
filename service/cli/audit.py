"""countermark audit."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from service.installation import LEDGER_FILE, open_installation
from service.kit.errors import LedgerCorrupt, NotFound
from service.kit.settings import load_settings

app = typer.Typer(help="The ledger of decisions.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `verify` a subcommand while it is the only one."""


@app.command("verify")
def verify(
    head: Annotated[str | None, typer.Option(help="A head noted earlier, which must still be in the chain.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify the chain of decisions and every issued image against it; exit 3 if anything was changed."""
    settings = load_settings()
    if settings.database_url is None and not (settings.home / LEDGER_FILE).exists():
        raise NotFound(f"no ledger in {settings.home}", hint="Check COUNTERMARK_HOME.")
    audit = open_installation(settings).ledger.verify(head)
    console = Console(highlight=False)
    if as_json:
        print(json.dumps(asdict(audit)))
    else:
        console.print(f"{audit.decisions} decisions, {audit.images} images", markup=False)
        console.print(f"head {audit.head}", markup=False, soft_wrap=True)
    for problem in () if as_json else audit.problems:
        console.print(f"Problem: {problem}", markup=False, soft_wrap=True)
    if audit.problems:
        raise LedgerCorrupt(f"{len(audit.problems)} problems in the ledger; the first: {audit.problems[0]}")
    if not as_json:
        console.print("The chain is intact.", markup=False)
