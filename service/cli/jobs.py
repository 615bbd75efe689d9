"""countermark jobs."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.text import printable
from service.installation import Installation, open_installation
from service.jobs.schemas import job_of
from service.kit.clock import stamp
from service.kit.settings import load_settings
from service.storage import DeliveryRow, JobRow

app = typer.Typer(help="Orders and examinations that wait or were done in the background.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The id of the job.", metavar="JOB")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


@app.command("list")
def list_jobs(
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List the jobs of all tenants, newest first. Ended ones are deleted after a while."""
    rows = _installation().jobs.newest(most)
    if as_json:
        for row in rows:
            print(_json(row))
        return
    table = Table()
    table.add_column("job", no_wrap=True)
    for heading in ("tenant", "kind", "status", "done", "created", "error"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in _cells(row)))
    Console().print(table)


@app.command("show")
def show(number: Number, as_json: Json = False) -> None:
    """Show one job: whose it is, how far it is, and why it failed."""
    row = _installation().jobs.find(number)
    if as_json:
        print(_json(row))
        return
    for name, value in _facts(row).items():
        if value not in (None, ""):
            print(f"{name}: {printable(str(value))}")


@app.command("cancel")
def cancel(number: Number, as_json: Json = False) -> None:
    """Cancel a job: at once if it waits, at its next step if it is worked on."""
    row = _installation().jobs.stop(number)
    if as_json:
        print(_json(row))
        return
    print(f"{row.id} is asked to stop." if row.cancelling else f"{row.id} is {row.status}.")


@app.command("dead-letters")
def dead_letters(as_json: Json = False) -> None:
    """List the messages to webhooks that were given up, with the last reason."""
    letters = _installation().deliveries.dead_letters()
    if as_json:
        for letter in letters:
            print(json.dumps(_letter(letter)))
        return
    table = Table()
    table.add_column("message", no_wrap=True)
    for heading in ("job", "created", "attempts", "last outcome"):
        table.add_column(heading, overflow="fold")
    for letter in letters:
        table.add_row(*(Text(printable(str(cell))) for cell in _letter(letter).values()))
    Console().print(table)


@app.command("resend")
def resend(
    number: Annotated[str | None, typer.Argument(help="The id of the message.", metavar="[MESSAGE]")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every message that was given up.")] = False,
    as_json: Json = False,
) -> None:
    """Send a message to a webhook again that was given up. A running `serve` sends it, with the same webhook-id."""
    if (number is None) is not all_:
        raise typer.BadParameter("give one MESSAGE, or --all")
    deliveries = _installation().deliveries
    numbers = [letter.id for letter in deliveries.dead_letters()] if number is None else [number]
    for each in numbers:
        deliveries.send_again(each)
    print(json.dumps({"resent": numbers}) if as_json else f"{len(numbers)} to be sent again.")


def _installation() -> Installation:
    return open_installation(load_settings())


def _facts(row: JobRow) -> dict[str, object]:
    """All that the operator may know: not what was asked for."""
    job = job_of(row)
    return {
        **job.model_dump(mode="json", exclude={"object", "progress", "error"}),
        "tenant": row.tenant or "",
        "done": row.done,
        "total": row.total,
        "attempts": row.attempts,
        "bytes": row.size,
        "error": job.error.code if job.error else None,
        "message": job.error.message if job.error else None,
    }


def _json(row: JobRow) -> str:
    return json.dumps(_facts(row))


def _cells(row: JobRow) -> tuple[str, ...]:
    error = str(row.error["code"]) if row.error else ""
    done = f"{row.done}/{row.total}"
    return row.id, row.tenant or "", row.kind, row.status, done, stamp(row.created_at), error


def _letter(row: DeliveryRow) -> dict[str, object]:
    return {
        "message": row.id,
        "job": row.job,
        "created_at": stamp(row.created_at),
        "attempts": row.attempts,
        "outcome": row.outcome or "",
    }
