"""countermark feedback."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import files, labels_file, present, search
from service.cli.labels_file import LabelLine
from service.cli.text import label, printable
from service.installation import open_installation
from service.kit.clock import stamp
from service.kit.errors import BadRequest, FileUnreadable
from service.kit.settings import load_settings
from service.storage import ExaminationRow, FeedbackRow, Who

app = typer.Typer(help="What people say about images that were examined.", no_args_is_help=True)

_NOTHING = 1


@app.command("list")
def list_feedback(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the labels with what the classifiers had said, oldest first."""
    rows = open_installation(load_settings()).feedback.all()
    if as_json:
        for given, examined in rows:
            print(json.dumps(_row(given, examined)))
        return
    table = Table()
    for heading in ("received", "label", "who", "tenant", "kind", "p(synthetic)", "verdict", "examination"):
        table.add_column(heading, overflow="fold")
    for given, examined in rows:
        cells = (stamp(given.at), given.label, given.who, given.tenant or "", examined.kind or "")
        scores = (f"{examined.p_synthetic:.3f}", examined.verdict, given.examination)
        table.add_row(*(Text(printable(cell)) for cell in (*cells, *scores)))
    Console().print(table)


@app.command("export")
def export(
    images: Annotated[Path, typer.Option(help="Folder of images: labels of those that are in it are written.")],
    out: Annotated[Path, typer.Option(help="CSV file to write: file, label, kind.", metavar="FILE")],
    who: Annotated[Who | None, typer.Option(help="Labels by such senders alone. Default: all.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write the labels of your images for `countermark benchmark --images DIR --labels FILE`.

    The images are recognised by their content, as they were examined. Those that people label differently are named and
    left out. A label is what somebody says: look at the images before you rely on it. Exit 1 if there is no label.
    """
    if not images.is_dir():
        raise BadRequest(f"{images} is not a folder", hint="Give a folder of images.")
    files.check_target(str(out), force)
    found = open_installation(load_settings()).feedback.of_files(_digests(images), who)
    files.write(str(out), labels_file.write(LabelLine(one.file, one.label, one.kind) for one in found.files))
    console = Console(stderr=True)
    for name in found.contradicted:
        console.print(printable(f"{label(name)}: people say both; left out"), markup=False, soft_wrap=True)
    console.print(f"Labels written to {out}: {len(found.files)}.", markup=False, highlight=False, soft_wrap=True)
    if not found.files:
        raise typer.Exit(_NOTHING)


def _row(given: FeedbackRow, examined: ExaminationRow) -> dict[str, object]:
    return {
        "examination": given.examination,
        "label": given.label,
        "who": given.who,
        "tenant": given.tenant,
        "received_at": stamp(given.at),
        "kind": examined.kind,
        "p_synthetic": examined.p_synthetic,
        "verdict": examined.verdict,
        "calibration": examined.calibration,
    }


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    """Each image's path below the folder, and its SHA-256."""
    skipped = present.Skipped(Console(stderr=True))
    for name in search.expand([str(folder)], skipped):
        try:
            with Path(name).open("rb") as file:
                yield Path(name).relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as gone:
            raise FileUnreadable(f"{label(name)} cannot be read: {gone.strerror}") from gone
    skipped.close()
