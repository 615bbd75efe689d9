"""countermark verify and countermark inspect."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from service.cli import files, present
from service.examiner.policy import EXIT_CODES
from service.examiner.report import Report
from service.installation import Installation, open_installation
from service.kit.errors import Error
from service.kit.settings import load_settings
from service.media.heatmaps import overlay
from service.media.pictures import encode

Files = Annotated[list[str], typer.Argument(help="Images; - reads standard input.", metavar="FILE...")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]

# Several files share one exit code, the most severe. Later in this list is more severe.
_SEVERITY = (0, 1, 2, 5, 7, 4, 3, 70)


def verify(names: Files, as_json: Json = False) -> None:
    """Check watermarks and credentials. Exit code: 0 verified, 1 nothing found, 3 invalid or tampered, 4 untrusted."""
    raise typer.Exit(
        _examine_all(names, as_json, present.line, lambda report: EXIT_CODES[report.outcome], classify=False)
    )


def inspect(
    names: Files,
    as_json: Json = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(help="Folder for a PNG of each watermarked image: where the watermark remains."),
    ] = None,
) -> None:
    """Report everything known about images. Exit code: 0 if all of them could be read."""
    if heatmap:
        files.make_folder(heatmap)
    raise typer.Exit(_examine_all(names, as_json, present.full, lambda _report: 0, heatmap=heatmap))


def _examine_all(
    names: Sequence[str],
    as_json: bool,
    show: Callable[[Console, Report], None],
    exit_code: Callable[[Report], int],
    *,
    classify: bool = True,
    heatmap: Path | None = None,
) -> int:
    """Examine each file and return the exit code. A file that cannot be read does not stop the others."""
    console = Console(highlight=False)
    progress = Console(stderr=True)
    installation = open_installation(load_settings())
    codes = []
    for name in track(names, "Examining", console=progress, transient=True, disable=len(names) == 1):
        try:
            report = _examine(installation, name, classify, heatmap)
        except Error as error:
            codes.append(error.exit_code)
            present.failure(console, files.label(name), error, as_json)
            continue
        codes.append(exit_code(report))
        if as_json:
            print(report.model_dump_json())
        else:
            show(console, report)
    return max(codes, key=_SEVERITY.index)


def _examine(installation: Installation, name: str, classify: bool, heatmap: Path | None) -> Report:
    data = files.read(name, installation.settings.max_bytes)
    report = installation.examiner.examine(data, files.label(name), classify=classify)
    if heatmap and (found := installation.examiner.heatmap(data)):
        target = heatmap / f"{files.stem(name)}-{report.asset.sha256[:8]}.png"
        files.write(str(target), encode(overlay(*found), "png")[0])
    return report
