"""countermark benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.progress import track
from rich.table import Table
from rich.text import Text

from service.cli import charts, files, labels_file, present, search
from service.cli.labels_file import LabelLine
from service.cli.text import label, printable
from service.examiner.assembly import open_classifier
from service.examiner.benchmark import CONDITIONS, Benchmark, Sample, check_enough, judge, scores, summarise, thresholds
from service.examiner.metrics import Scores, histogram, reliability, roc
from service.kit.errors import BadRequest, FileUnreadable, InputError
from service.kit.settings import Settings, load_settings
from service.media.pictures import decode, open_limits

_KINDS = ("kind", "real", *(f"flagged\n{c}" for c in CONDITIONS), "synthetic",
          *(f"{what}\n{c}" for what in ("found", "undecided") for c in CONDITIONS))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image of the operator's: its sub-folder, its class, and what it shows, if that is known."""

    path: str
    group: str
    fake: bool
    kind: str | None


_FIGURES = ("condition", "real", "synthetic", "AUROC", "90 % interval", "recall\nat 5 %", "recall\nat 1 %", "ECE")
_GROUPS = ("folder", "class", "images", *(f"{what}\n{c}" for c in CONDITIONS for what in ("AUROC", "flagged")))


def benchmark(
    real: Annotated[Path | None, typer.Option(help="Folder of real images; results are shown by sub-folder.")] = None,
    synthetic: Annotated[
        Path | None, typer.Option(help="Folder of synthetic images; results are shown by sub-folder.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of both, in place of the two: --labels says which is which; others are left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json, and index.html with charts.")] = None,
    own_thresholds: Annotated[
        Path | None, typer.Option("--thresholds", help="Write a threshold file for COUNTERMARK_THRESHOLDS_FILE.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Number of images of each class, at most.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns file,kind: what each image shows (portrait, night, ...), by its path below "
            "its folder. Default: the name of the first sub-folder. With --images, also a column label: real or "
            "synthetic, as `countermark feedback export` writes it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Measure the detector on your own images, as stored and as posted (512 px, JPEG quality 75)."""
    settings = load_settings()
    labelled = _labelled(real, synthetic, images, labels, limit)
    if out:
        _prepare(out, force)
    if own_thresholds:
        check_enough([image.fake for image in labelled])
        files.check_target(str(own_thresholds), force)
        settings = settings.model_copy(
            update={"thresholds_file": None}
        )  # an existing file may be for another calibration
    samples = _samples(settings, labelled)
    found = summarise(samples)
    if out:
        files.write(str(out / "report.json"), (found.model_dump_json(indent=1) + "\n").encode())
        files.write(str(out / "index.html"), _page(found, samples).encode())
    if as_json:
        print(found.model_dump_json())
    else:
        _show(found)
    if own_thresholds:  # last: unreadable images can leave too few, but the figures still hold
        files.write(str(own_thresholds), (thresholds(samples).model_dump_json(indent=1) + "\n").encode())


def _samples(settings: Settings, labelled: Sequence[Labelled]) -> list[Sample]:
    """Score every image. Those that cannot be read are named, counted and left out."""
    progress = Console(stderr=True)
    classifier, limits = open_classifier(settings), open_limits(settings)
    samples = []
    for image in track(labelled, "Judging", console=progress, transient=True):
        try:
            picture = decode(files.read(image.path, settings.max_bytes), limits)
        except InputError as error:
            text = printable(f"{label(image.path)} left out: {error.message}")
            progress.print(text, markup=False, soft_wrap=True)
            continue
        samples.append(judge(classifier, picture, image.group, image.fake, image.kind))
    if len(samples) < len(labelled):
        progress.print(f"{len(labelled) - len(samples)} of {len(labelled)} images left out", highlight=False)
    return samples


def _labelled(
    real: Path | None, synthetic: Path | None, images: Path | None, labels: Path | None, limit: int | None
) -> list[Labelled]:
    """Every image, by folders of one class or by a file of labels. Raises BadRequest if it is neither."""
    if images and labels and not (real or synthetic):
        lines = labels_file.read(labels, "label")
        return list(_of_one_folder(images, lines, limit))
    if not (real and synthetic) or images:
        raise BadRequest(
            "no images of both classes are named", hint="Give --real and --synthetic, or --images and --labels."
        )
    kinds = {name: line.kind for name, line in labels_file.read(labels, "kind").items()} if labels else None
    return [*_images(real, False, limit, kinds), *_images(synthetic, True, limit, kinds)]


def _of_one_folder(folder: Path, lines: Mapping[str, LabelLine], limit: int | None) -> Iterator[Labelled]:
    """The images of a folder that have a label; `limit` picks evenly of each class."""
    names = {Path(name).relative_to(folder).as_posix(): name for name in _names(folder)}
    for fake in (False, True):
        label_ = "synthetic" if fake else "real"
        own = sorted(name for name in names if name in lines and lines[name].label == label_)
        for below in _evenly(own, limit):
            kind = lines[below].kind
            yield Labelled(names[below], label(str(Path(below).parent)), fake, kind and label(kind))


def _images(folder: Path, fake: bool, limit: int | None, kinds: Mapping[str, str | None] | None) -> Iterator[Labelled]:
    """Every image below a folder; `limit` picks evenly from the sorted paths."""
    for name in _evenly(_names(folder), limit):
        below = Path(name).relative_to(folder)
        first = below.parts[0] if len(below.parts) > 1 else None
        kind = first if kinds is None else kinds.get(below.as_posix())
        yield Labelled(name, label(str(below.parent)), fake, kind and label(kind))


def _names(folder: Path) -> list[str]:
    """The paths of the images below a folder. Raises BadRequest if there are none."""
    if not folder.is_dir():
        raise BadRequest(f"{folder} is not a folder", hint="Give a folder of images.")
    try:
        skipped = present.Skipped(Console(stderr=True))
        names = list(search.expand([str(folder)], skipped))
    except FileUnreadable as empty:
        raise BadRequest(empty.message, hint=empty.hint) from empty
    skipped.close()
    return names


def _evenly(names: Sequence[str], limit: int | None) -> Iterator[str]:
    count = min(limit or len(names), len(names))
    return (names[number * len(names) // count] for number in range(count))


def _prepare(out: Path, force: bool) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as denied:
        raise BadRequest(f"{out} cannot be created: {denied.strerror}", hint="Choose another folder.") from denied
    for name in ("report.json", "index.html"):
        files.check_target(str(out / name), force)


def _show(found: Benchmark) -> None:
    console = Console()
    for title, headings, rows in (
        (f"Detector {found.calibration}", _FIGURES, _figure_rows(found)),
        ("By folder; flagged: share called synthetic", _GROUPS, _group_rows(found)),
        ("By kind; flagged: real ones called synthetic, found: synthetic ones", _KINDS, _kind_rows(found)),
    ):
        if not rows:
            continue
        table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, heading in enumerate(headings):
            how: JustifyMethod = "right" if number else "left"  # only the first column, a path, may wrap
            table.add_column(heading, justify=how, overflow="fold", no_wrap=number > 0)
        for row in rows:
            table.add_row(*map(Text, row))  # as text: a folder name may look like markup
        console.print(table)


def _page(found: Benchmark, samples: list[Sample]) -> str:
    classes = {c: (scores(samples, c, False), scores(samples, c, True)) for c in CONDITIONS}
    calibration = {c: [(p, share) for p, share, _ in reliability(*both)] for c, both in classes.items()}
    return charts.page(
        "Countermark: the detector on your images",
        charts.table(_FIGURES, _figure_rows(found)),
        charts.chart("ROC", "false-positive rate", "recall", {c: roc(*both) for c, both in classes.items()}),
        charts.chart("Calibration", "mean p(synthetic)", "share that is synthetic", calibration),
        *(_histogram(condition, *both) for condition, both in classes.items()),
        charts.table(_GROUPS, _group_rows(found)),
        *([charts.table(_KINDS, _kind_rows(found))] if found.kinds else []),
        charts.paragraph(f"Calibration {found.calibration}."),
    )


def _histogram(condition: str, real: Scores, fake: Scores) -> str:
    shares = {"real": histogram(real), "synthetic": histogram(fake)}
    return charts.histogram(f"Scores, {condition}", "p(synthetic)", "share of images", shares)


def _figure_rows(found: Benchmark) -> list[list[str]]:
    return [
        [
            f.condition,
            str(f.real),
            str(f.fake),
            f"{f.auroc:.3f}",
            f"{f.auroc_interval[0]:.3f} to {f.auroc_interval[1]:.3f}",
            f"{f.recall_at_5_percent:.2f}",
            f"{f.recall_at_1_percent:.2f}",
            f"{f.calibration_error:.3f}",
        ]
        for f in found.figures
    ]


def _group_rows(found: Benchmark) -> list[list[str]]:
    return [
        [
            printable(group.group),
            "synthetic" if group.fake else "real",
            str(group.pictures),
            *(
                cell
                for c in CONDITIONS
                for cell in (f"{group.auroc[c]:.3f}" if group.auroc else "-", f"{group.flagged[c]:.2f}")
            ),
        ]
        for group in found.groups
    ]


def _kind_rows(found: Benchmark) -> list[list[str]]:
    def cells(rates: Mapping[str, float] | None) -> Iterator[str]:
        return (f"{rates[c]:.2f}" if rates else "-" for c in CONDITIONS)

    return [
        [
            printable(row.kind),
            str(row.real),
            *cells(row.false_positives),
            str(row.synthetic),
            *cells(row.recall),
            *cells(row.undecided),
        ]
        for row in found.kinds
    ]
