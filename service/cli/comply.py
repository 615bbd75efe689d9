"""countermark comply."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detectors import read_metadata
from service.cli import files
from service.cli.text import label, printable
from service.examiner.compliance import ComplianceReport, check
from service.installation import open_installation
from service.kit.errors import BadRequest
from service.kit.settings import load_settings
from service.labels import PROFILES, Profile

_LAWS = ", ".join(PROFILES)
_COLOURS = {"present": "green", "lacking": "red", "look": "yellow"}
LACKING = 1


def comply(
    file: Annotated[str, typer.Argument(help="An image; - reads standard input.", metavar="FILE")],
    law: Annotated[str, typer.Option(help=f"One of {_LAWS}.", metavar="NAME")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say item by item what an image carries of what a law asks for. No legal advice.

    Exit code: 0 if nothing that is required is lacking, 1 if something is.
    """
    profile = _profile(law)
    installation = open_installation(load_settings())
    data = files.read(file, installation.settings.max_bytes)
    report = installation.examiner.examine(data, label(file), classify=False)
    found = check(report, read_metadata(data), profile)
    if as_json:
        print(found.model_dump_json())
    else:
        _show(Console(highlight=False), found)
    raise typer.Exit(0 if found.complete else LACKING)


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise BadRequest(f"there is no law {name!r}", hint=f"Use one of {_LAWS}.")
    return PROFILES[name]


def _show(console: Console, found: ComplianceReport) -> None:
    """A row an item; below it what the law asks for beyond the file."""
    table = Table(title=Text(printable(f"{found.file}: {found.title}")), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in found.items:
        lines = [item.requirement + ("" if item.required else " (advised)")]
        lines += [f"found: {item.found}"] if item.found else []
        lines += [f"source: {item.source}", f"does not prove: {item.proves_not}"]
        table.add_row(Text(item.status, _COLOURS[item.status]), Text(printable("\n".join(lines))))
    console.print(table)
    console.print(f"In force: {found.in_force}.", markup=False, soft_wrap=True)
    console.print(f"Beyond the file: {found.beyond}", markup=False, soft_wrap=True)
    console.print(found.notice, markup=False, soft_wrap=True)
