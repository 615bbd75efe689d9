"""countermark detect."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.text import Text

from service.cli import files, present, search
from service.cli.examine import Paths, Recursive
from service.cli.text import label, printable
from service.examiner.assembly import open_classifier
from service.examiner.classifier import Classifier, Detection
from service.examiner.lanes.inferred import measured
from service.kit.errors import Error
from service.kit.settings import load_settings
from service.media.heatmaps import overlay
from service.media.pictures import encode

_COLOURS = {"likely_synthetic": "red", "inconclusive": "yellow", "likely_camera": "green"}
_COLUMNS = ("file", "p_synthetic", "low", "high", "verdict", "warnings", "sha256", "error", "kind")


def detect(
    paths: Paths,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    heatmap: Annotated[
        Path | None, typer.Option(help="Folder for a PNG of each image: where it looks generated.")
    ] = None,
    to_csv: Annotated[Path | None, typer.Option("--csv", help="Write a table to this file.")] = None,
    threshold_fpr: Annotated[
        float | None, typer.Option(help="False-positive rate of `likely_synthetic`: 0.05 or 0.01.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing table.")] = False,
    recursive: Recursive = True,
) -> None:
    """Judge whether images are synthetic, by classifiers alone. Exit code: 0 if all of them could be read.

    In folders, files are images by their content, not by their names; other files are named on standard error.
    """
    settings = load_settings()
    progress = Console(stderr=True)
    skipped = present.Skipped(progress)
    names = list(search.expand(paths, skipped, recursive=recursive))
    if to_csv:
        files.check_target(str(to_csv), force)
    if heatmap:
        files.make_folder(heatmap)
    with progress.status("Loading the classifiers"):
        classifier = open_classifier(settings)
    classifier.check_rate(threshold_fpr)
    console, rows, codes = Console(highlight=False), [], [0]
    for name in track(names, "Judging", console=progress, transient=True, disable=len(names) == 1):
        try:
            data = files.read(name, settings.max_bytes, fetch=settings.fetch_urls)
            found = classifier.detect(data, label(name), threshold_fpr)
        except Error as error:
            codes.append(error.exit_code)
            rows.append({"file": label(name), "error": error.code})
            present.failure(console, label(name), error, as_json)
            continue
        rows.append(_row(found))
        _show(console, found, as_json)
        if heatmap:
            _write_heatmap(classifier, data, heatmap / f"{files.stem(name)}-{found.sha256[:8]}.png")
    if to_csv:
        _write_csv(to_csv, rows)
    skipped.close(len(names) if search.is_expanded(paths) else None)
    raise typer.Exit(max(codes))


def _show(console: Console, found: Detection, as_json: bool) -> None:
    if as_json:
        print(found.model_dump_json())
        return
    verdict = found.verdict or "inconclusive"
    low, high = found.interval or (0.0, 1.0)
    text = Text(printable(f"{found.file}: ")).append(verdict, f"bold {_COLOURS[verdict]}")
    console.print(text.append(f"  {found.p_synthetic:.2f} ({low:.2f} to {high:.2f})"), soft_wrap=True)
    if found.frames > 1:
        console.print(f"  The first of {found.frames:,} images was judged.", soft_wrap=True)
    if found.kind_rates:
        console.print(f"  {measured(found.kind, found.kind_rates)}", markup=False, soft_wrap=True)
    for reason in (*found.warnings, *found.reasons):
        console.print(f"  {reason.text}", markup=False, soft_wrap=True)


def _write_heatmap(classifier: Classifier, data: bytes, path: Path) -> None:
    image, heat = classifier.heatmap(data)
    files.write(str(path), encode(overlay(image, heat), "png")[0])


def _row(found: Detection) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    warnings = " ".join(warning.code for warning in found.warnings)
    return {**found.model_dump(include=set(_COLUMNS)), "low": low, "high": high, "warnings": warnings}


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        table.writerows(rows)
