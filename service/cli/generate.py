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
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import summarize
from service.generation.schedulers import SCHEDULERS
from service.installation import open_installation
from service.kit.errors import BadRequest, first_fault
from service.kit.settings import load_settings
from service.likeness.schemas import SCOPES


def generate(
    prompt: Annotated[str, typer.Argument(help="What the picture shows.", metavar="PROMPT")],
    out: Annotated[str, typer.Option("--out", "-o", help="PNG, JPEG or WebP file; - for standard output.")],
    seed: Annotated[int | None, typer.Option(help="Same seed, same picture.")] = None,
    negative: Annotated[str, typer.Option(help="What the picture must not show.")] = "",
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels; default: the model's own.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps; default: the model's own.")] = None,
    quality: Annotated[str, typer.Option(help="standard or high: more steps, if the model can.")] = "standard",
    upscale: Annotated[
        str | None, typer.Option(help="Draw at the model's own size and enlarge to --size by this method: lanczos.")
    ] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help=f"How noise is taken away: {', '.join(SCHEDULERS)}; default: the model's own."),
    ] = None,
    safety_threshold: Annotated[
        float | None, typer.Option(help="Refuse from this score already; never laxer than the setting.")
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME:SCALE of an adapter; see `countermark models adapters`.")
    ] = None,
    grant: Annotated[
        list[str] | None, typer.Option(help="Grant of a person whose likeness it may show; see `countermark consent`.")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            help=f"What the likeness is used for: {', '.join(SCOPES)}; default: edit with --image, else portrait."
        ),
    ] = None,
    image: Annotated[str | None, typer.Option(help="Picture to change; each face in it needs a --grant.")] = None,
    mask: Annotated[
        str | None, typer.Option(help="Transparent, or else white, where the picture is drawn anew.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="Picture that it shall take after; each face in it needs a --grant. Needs an IP-Adapter."),
    ] = None,
    reference_scale: Annotated[
        float | None, typer.Option(help="How much it takes after them, 0 to 1; default 0.6.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="How much of the picture to draw anew, 0 to 1; default 0.8, with --mask 1.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw a picture that is screened, marked, signed, proved and recorded."""
    width, height = _sides(size)
    settings = load_settings()
    order = _order(
        prompt=prompt,
        negative_prompt=negative,
        seed=seed,
        width=width,
        height=height,
        steps=steps,
        quality=quality,
        upscale=upscale,
        guidance=guidance,
        scheduler=scheduler,
        format=files.format_of(out),
        safety_threshold=safety_threshold,
        adapters=tuple(adapter or ()),
        grants=tuple(grant or ()),
        scope=scope,
        image=files.read(image, settings.max_bytes) if image else None,
        mask=files.read(mask, settings.max_bytes) if mask else None,
        strength=strength,
        references=tuple(files.read(name, settings.max_bytes) for name in reference or ()),
        reference_scale=reference_scale,
    )
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
    summary = {
        "file": out,
        "model": released.admitted.model.name,
        **summarize(released).model_dump(),
        "seconds": seconds,
    }
    _present(summary, as_json, console, to=sys.stderr if out == files.STDIO else sys.stdout)


def _sides(size: str | None) -> tuple[int | None, int | None]:
    try:
        width, height = map(int, size.lower().split("x")) if size else (None, None)
    except ValueError:
        raise BadRequest(f"{size} is no size", hint="Write it like 512x512.") from None
    return width, height


def _order(**wishes: Any) -> Order:
    try:
        return Order(**wishes)
    except ValidationError as wrong:
        faults = wrong.errors(include_input=False, include_url=False)
        raise BadRequest(first_fault(faults), hint="See `countermark generate --help`.") from None


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
            progress.update(task, description=f"waiting, {ahead} first" if ahead else "render")

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
        **({"Drawing": _cost(**summary["energy"])} if summary["energy"] else {}),
    }
    for name, value in lines.items():
        print(f"{name:11}{value}", file=to)
    if summary["file"] != files.STDIO:
        console.print(f"Check it: countermark verify {summary['file']}", markup=False)


def _cost(seconds: float, watt_hours: float | None, method: str) -> str:
    energy = "energy unknown" if watt_hours is None else f"{1000 * watt_hours:.3g} mWh ({method})"
    return f"{seconds:.1f} s, {energy}"
