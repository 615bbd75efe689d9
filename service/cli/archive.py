"""countermark archive."""

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.archives.engine import Engine
from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.packing_limits import MEMBERS
from service.archives.processes import ProcessPool
from service.archives.summary import Summary
from service.cli import files
from service.cli.text import label, printable
from service.installation import open_installation
from service.kit.errors import BadRequest
from service.kit.settings import Settings, load_settings

app = typer.Typer(
    help="Examine whole archives: folders, zip and tar archives, and object stores.", no_args_is_help=True
)

_STEPS = 20  # lines of progress, where standard error is no terminal
_REFRESH_SECONDS = 0.5


class EngineName(StrEnum):
    PROCESSES = "processes"
    RAY = "ray"


@app.command()
def examine(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, a zip or tar archive, or the URL of one in an object store (s3://BUCKET/PREFIX).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The table, as Parquet. What is done so far is in OUT.parts.")],
    engine: Annotated[
        EngineName, typer.Option(help="`processes` of this machine, or a `ray` cluster (extra `ray`).")
    ] = EngineName.PROCESSES,
    workers: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Files examined at once. Unset: one for each core.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Start again, and replace a table that exists.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Examine the first files only.")] = None,
    classify: Annotated[
        bool, typer.Option("--classify/--no-classify", help="Ask the classifiers, which cost most of the time.")
    ] = True,
    max_members: Annotated[int, typer.Option(min=1, help="Members that a zip or tar archive may have.")] = MEMBERS,
    html: Annotated[Path | None, typer.Option(help="Write a summary as one self-contained page, with charts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Examine every file of an archive into one table, a row for each.

    A file that cannot be examined has a row with the error's code. A run that is stopped, however, goes on with
    --resume: no row is double and none is missing. Progress is on standard error.

    Exit code: 0 if the table was written, whatever it says.
    """
    if resume and force:
        raise BadRequest("--resume goes on with a run and --force starts it again", hint="Give one of them.")
    if html:
        files.check_target(str(html), force=True)
    settings = load_settings()
    open_installation(settings).close()  # made at first start, and then by one process
    wanted = ArchiveExamination(source, out, resume, force, limit, classify, max_members)
    console = Console(stderr=True, highlight=False)
    try:
        started = _engine(engine, workers or os.cpu_count() or 1, settings)
        summary = examine_archive(wanted, started, Progress(console))
    except KeyboardInterrupt:
        console.print("Stopped. Go on with the same command and --resume.", markup=False)
        raise typer.Exit(130) from None
    if html:
        _write_page(html, summary)
    print(summary.as_json() if as_json else closing_line(summary, out))


def closing_line(summary: Summary, out: Path) -> str:
    """What was found, in one line."""
    parts = [f"{summary.files:,} files in {out}"]
    for column in ("verdict", "error"):
        if counted := summary.counts[column]:
            named = ", ".join(f"{name} {count:,}" for name, count in counted.items())
            parts.append(f"{'examined' if column == 'verdict' else 'not examined'} {sum(counted.values()):,} ({named})")
    return printable(label(": ".join([parts[0], "; ".join(parts[1:])]) if parts[1:] else parts[0]))


class Progress:
    """On standard error: how far a run is, and how long the rest may take. On a terminal one line is rewritten."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._files = self._done = self._earlier = self._step = 0
        self._began = self._shown = 0.0

    def listing(self) -> None:
        """As `Observer.listing`."""
        self._console.print("Listing the files", markup=False)

    def begun(self, files: int, done: int) -> None:
        """As `Observer.begun`."""
        self._files, self._done, self._earlier, self._began = files, done, done, time.monotonic()
        self._step = done * _STEPS // max(1, files)
        again = f", of which {done:,} are done" if done else ""
        self._console.print(f"Examining {files:,} files{again}", markup=False)

    def seen(self, files: int) -> None:
        """As `Observer.seen`."""
        self._done += files
        now, step = time.monotonic(), self._done * _STEPS // self._files
        if step == self._step and not (self._console.is_terminal and now - self._shown > _REFRESH_SECONDS):
            return
        self._step, self._shown = step, now
        line = progress_line(self._done, self._files, self._done - self._earlier, now - self._began)
        rewritten = self._console.is_terminal and self._done < self._files
        self._console.print(line, markup=False, end="\r" if rewritten else "\n")


def progress_line(done: int, files: int, here: int, seconds: float) -> str:
    """`done` of `files`, of which `here` in so many `seconds`; the rest is taken to go as fast."""
    rate = here / seconds if seconds > 0 else 0.0
    left = f", about {_duration((files - done) / rate)} left" if rate and done < files else ""
    return f"{done:,} of {files:,} files ({100 * done // max(1, files)} %), {rate:.1f} a second{left}"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} s"


def _engine(name: EngineName, workers: int, settings: Settings) -> Engine:
    if name is EngineName.RAY:
        from service.archives.ray_data import RayData  # noqa: PLC0415 - an extra

        return RayData(workers)
    return ProcessPool(workers, settings)


def _write_page(html: Path, summary: Summary) -> None:
    from service.archives.summary_page import page  # noqa: PLC0415 - other runs need no templates

    files.write(str(html), page(summary).encode())
