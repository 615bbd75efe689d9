"""countermark review."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import files
from service.cli.text import printable
from service.gateway.review_queue import ReviewQueue
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import summarize
from service.installation import open_installation
from service.kit.errors import FileUnreadable
from service.kit.settings import load_settings
from service.media.pictures import encode

app = typer.Typer(help="Images that may show a protected person, held for review.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The image's content id.", metavar="ID")]
Out = Annotated[str, typer.Option("--out", "-o", help="A new file; - for standard output.")]
Operator = Annotated[str, typer.Option(help="Who decides.")]
Reason = Annotated[str, typer.Option(help="Reason; stored encrypted, with its digest in the ledger.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


@app.command("list")
def list_held(
    all_: Annotated[bool, typer.Option("--all", help="Include decided ones.")] = False, as_json: Json = False
) -> None:
    """List images waiting for a decision, oldest first, with the subjects they may show."""
    pictures = _review_queue().queue(all_=all_)
    if as_json:
        for picture in pictures:
            print(json.dumps(asdict(picture)))
        return
    table = Table()
    for heading in ("image", "held", "until", "tenant", "may show", "status", "reason"):
        table.add_column(heading, overflow="fold")
    for each in pictures:
        cells = (each.id, each.held_at, each.until, each.tenant, " ".join(each.subjects), each.status, each.reason)
        table.add_row(*(Text(printable(cell or "")) for cell in cells))
    Console().print(table)


@app.command("show")
def show(
    number: Id,
    out: Out,
    operator: Annotated[str, typer.Option(help="Who reviews it; the digest goes into the ledger.")] = "",
    force: Force = False,
) -> None:
    """Write the image to a file for review. It is unmarked and unsigned: delete it afterwards and do not share it."""
    files.check_target(out, force)
    format_ = files.format_of(out)
    files.write(out, encode(_review_queue().look(number, operator).rgb, format_)[0], 0o600)


@app.command("release")
def release(number: Id, operator: Operator, reason: Reason, as_json: Json = False) -> None:
    """Release the image: after all other checks, the client can fetch it once, marked, signed and recorded."""
    _review_queue().release(number, operator, reason)
    print(json.dumps({"picture": number, "status": "released"}) if as_json else f"{number}: released")


@app.command("refuse")
def refuse(number: Id, operator: Operator, reason: Reason, as_json: Json = False) -> None:
    """Confirm the refusal and erase the image. This cannot be undone."""
    _review_queue().refuse(number, operator, reason)
    print(json.dumps({"picture": number, "status": "refused"}) if as_json else f"{number}: refused")


@app.command("fetch")
def fetch(number: Id, out: Out, force: Force = False, as_json: Json = False) -> None:
    """Fetch a released image that `countermark generate` ordered, once, in the format of the order."""
    files.check_target(out, force)
    installation = open_installation(load_settings())
    with Console(stderr=True).status("Loading the model"):
        gateway = installation.gateway
    released = gateway.hand_over(number)
    _write_or_rescue(out, require_sealed(released, Released), installation.settings.home)
    if out != files.STDIO:
        summary = {"file": out, "mime": released.mime, **summarize(released).model_dump()}
        print(json.dumps(summary) if as_json else f"{printable(out)}: {released.mime}, SHA-256 {released.sha256}")


@app.command("purge")
def purge(as_json: Json = False) -> None:
    """Erase every image whose retention period is over. Run it daily."""
    for number in _review_queue().purge():
        print(json.dumps({"expired": number}) if as_json else number)


def _write_or_rescue(out: str, released: Released, home: Path) -> None:
    """Write to `out`, or else to the home folder: the image is issued and cannot be fetched again.

    Raises FileUnreadable if it could not be written to `out`.
    """
    try:
        files.write(out, released.data)
    except OSError as full:
        rescued = home / f"{released.sha256}.{released.admitted.format}"
        files.write(str(rescued), released.data, 0o600)
        raise FileUnreadable(
            f"{out} cannot be written: {full.strerror}", hint=f"The image was saved as {rescued}."
        ) from full


def _review_queue() -> ReviewQueue:
    return open_installation(load_settings()).review_queue
