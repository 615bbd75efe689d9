"""countermark generate."""

import json
import sys
import threading
from typing import Annotated, Any, TextIO

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.cli import files
from service.cli.order_options import OPTION_NAMES, order_options, order_values
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import summarize
from service.installation import open_installation
from service.kit.errors import BadRequest, first_fault
from service.kit.settings import load_settings


@order_options
def generate(
    out: Annotated[str, typer.Option("--out", "-o", help="PNG, JPEG or WebP file; - for standard output.")],
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels. Default: the model's own size.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    **options: Any,
) -> None:
    """Generate an image that is screened, watermarked, signed, proved and recorded."""
    width, height = _parse_size(size)
    settings = load_settings()
    values = order_values(options, settings.max_bytes)
    order = _order(**values, width=width, height=height, format=files.format_of(out))
    files.check_target(out, force)
    console = Console(stderr=True)
    installation = open_installation(settings)
    with console.status("Loading the model") as status:
        installation.on_loading = lambda done, total, part: status.update(
            f"Loading the model: {part} ({done} of {total})"
        )
        gateway = installation.gateway
    released, seconds = _release(gateway, order, console)
    files.write(out, require_sealed(released, Released).data)
    model = released.admitted.model.name
    summary = {"file": out, "model": model, **summarize(released).model_dump(), "seconds": seconds}
    _present(summary, as_json, console, to=sys.stderr if out == files.STDIO else sys.stdout)


def _parse_size(size: str | None) -> tuple[int | None, int | None]:
    try:
        width, height = map(int, size.lower().split("x")) if size else (None, None)
    except ValueError:
        raise BadRequest(f"{size} is not a size", hint="Write it like 512x512.") from None
    return width, height


def _order(**values: Any) -> Order:
    try:
        return Order(**values)
    except ValidationError as wrong:
        faults = wrong.errors(include_input=False, include_url=False)
        raise BadRequest(first_fault(faults, OPTION_NAMES), hint="See `countermark generate --help`.") from None


def _release(gateway: Gateway, order: Order, console: Console) -> tuple[Released, dict[str, float]]:
    """Run the gateway with a progress bar on standard error; Ctrl-C cancels between two steps."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    seconds: dict[str, float] = {}
    with Progress(*columns, console=console, transient=True) as progress:
        task: TaskID = progress.add_task("render", total=None)
        stop = threading.Event()

        def on_step(done: int, total: int) -> None:
            progress.update(task, description="render", completed=done, total=total)

        def on_wait(ahead: int) -> None:
            progress.update(task, description=f"waiting for {ahead} before it" if ahead else "render")

        def on_stage(stage: str, took: float) -> None:
            seconds[stage] = round(seconds.get(stage, 0) + took, 4)

        try:
            return gateway.release(order, ReleaseObserver(on_step, on_stage, stop.is_set, on_wait)), seconds
        except KeyboardInterrupt:
            stop.set()
            raise


def _present(summary: dict[str, Any], as_json: bool, console: Console, to: TextIO) -> None:
    if as_json:
        print(json.dumps(summary), file=to)
        return
    for warning in summary["warnings"]:
        console.print(f"Warning: {warning}", markup=False)
    lines = {
        "Wrote": summary["file"],
        "Seed": summary["seed"],
        "Mark": summary["mark_id"],
        "Content id": summary["content_id"],
        "SHA-256": summary["sha256"],
        "Decision": summary["decision"],
        **({"Generation": _cost(**summary["energy"])} if summary["energy"] else {}),
    }
    for name, value in lines.items():
        print(f"{name:11}{value}", file=to)
    if summary["file"] != files.STDIO:
        console.print(f"Check it: countermark verify {summary['file']}", markup=False)


def _cost(seconds: float, watt_hours: float | None, method: str) -> str:
    energy = "energy unknown" if watt_hours is None else f"{1000 * watt_hours:.3g} mWh ({method})"
    return f"{seconds:.1f} s, {energy}"
