"""countermark held."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import files
from service.gateway.review_queue import ReviewQueue
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import summarize
from service.installation import open_installation
from service.kit.errors import FileUnreadable
from service.kit.settings import load_settings
from service.media.pictures import encode

app = typer.Typer(help="Pictures that may show a protected person, kept for a decision.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The picture's content id.", metavar="ID")]
Out = Annotated[str, typer.Option("--out", "-o", help="A new file; - for standard output.")]
Operator = Annotated[str, typer.Option(help="Who decides.")]
Reason = Annotated[str, typer.Option(help="Why; kept sealed, its digest stands in the chain.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@app.command("list")
def list_held(
    all_: Annotated[bool, typer.Option("--all", help="Decided ones, too.")] = False, as_json: Json = False
) -> None:
    """List pictures that wait for a decision, oldest first, with the numbers of those they may show."""
    pictures = _review_queue().queue(all_=all_)
    if as_json:
        for picture in pictures:
            print(json.dumps(asdict(picture)))
        return
    table = Table()
    for heading in ("picture", "held", "until", "tenant", "may show", "status", "reason"):
        table.add_column(heading, overflow="fold")
    for each in pictures:
        words = (each.id, each.held_at, each.until, each.tenant, " ".join(each.subjects), each.status, each.reason)
        table.add_row(*(Text(files.printable(word or "")) for word in words))
    Console().print(table)


@app.command("show")
def show(
    number: Id,
    out: Out,
    operator: Annotated[str, typer.Option(help="Who looks; its digest stands in the chain.")] = "",
    force: Force = False,
) -> None:
    """Write the picture into a file, to look at and delete. It carries no mark and no credential: do not pass it on."""
    files.check_target(out, force)
    format_ = files.format_of(out)
    files.write(out, encode(_review_queue().look(number, operator).rgb, format_)[0], 0o600)


@app.command("release")
def release(number: Id, operator: Operator, reason: Reason, as_json: Json = False) -> None:
    """Let it go on: whoever ordered it can fetch it once, after every other check, marked, signed and recorded."""
    _review_queue().release(number, operator, reason)
    print(json.dumps({"picture": number, "status": "released"}) if as_json else f"{number}: released")


@app.command("refuse")
def refuse(number: Id, operator: Operator, reason: Reason, as_json: Json = False) -> None:
    """Let the refusal stand, and shred the picture. This cannot be undone."""
    _review_queue().refuse(number, operator, reason)
    print(json.dumps({"picture": number, "status": "refused"}) if as_json else f"{number}: refused")


@app.command("fetch")
def fetch(number: Id, out: Out, force: Force = False, as_json: Json = False) -> None:
    """Fetch a released picture that `countermark generate` ordered, once. Its format is the one that was ordered."""
    files.check_target(out, force)
    installation = open_installation(load_settings())
    with Console(stderr=True).status("Loading the model"):
        gateway = installation.gateway
    released = gateway.hand_over(number)
    _write_down(out, require_sealed(released, Released), installation.settings.home)
    if out != files.STDIO:
        summary = {"file": out, "mime": released.mime, **summarize(released).model_dump()}
        print(json.dumps(summary) if as_json else f"{files.printable(out)}: {released.mime}, SHA-256 {released.sha256}")


@app.command("purge")
def purge(as_json: Json = False) -> None:
    """Shred every picture whose time is over; run it daily."""
    for number in _review_queue().purge():
        print(json.dumps({"expired": number}) if as_json else number)


def _write_down(out: str, released: Released, home: Path) -> None:
    """Into `out` or else into the home folder: it is issued, and cannot be fetched again.

    Raises FileUnreadable where it is not in `out`.
    """
    try:
        files.write(out, released.data)
    except OSError as full:
        instead = home / f"{released.sha256}.{released.admitted.format}"
        files.write(str(instead), released.data, 0o600)
        raise FileUnreadable(
            f"{out} cannot be written: {full.strerror}", hint=f"The picture is in {instead}: move it from there."
        ) from full


def _review_queue() -> ReviewQueue:
    return open_installation(load_settings()).review_queue
