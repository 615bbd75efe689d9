"""countermark verify and countermark inspect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from service.cli import files, present, search
from service.cli.text import label
from service.examiner.examiner import Examiner
from service.examiner.policy import EXIT_CODES
from service.examiner.report import Report
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, Error
from service.kit.settings import load_settings
from service.media.heatmaps import overlay
from service.media.pictures import encode
from watermark import Effort

Paths = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, globs, and URLs if the operator allows them; - reads standard input.",
        metavar="FILE...",
        show_default=False,
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive/--no-recursive", "-r/-R", help="Search folders with their subfolders.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]

# Several files share one exit code, the most severe. Later in this list is more severe.
_SEVERITY = (0, 1, 2, 5, 7, 9, 8, 4, 3, 70)


Manifest = Annotated[
    Path | None, typer.Option(help="A credential that came beside the file (a sidecar, .c2pa); for one FILE.")
]


Fast = Annotated[
    bool, typer.Option("--fast", help="Look for our watermark only near its usual place: half the time for most files.")
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Look for it also under tilts and in parts of the image: seconds for a file.")
]


def verify(
    paths: Paths,
    as_json: Json = False,
    manifest: Manifest = None,
    recursive: Recursive = True,
    fast: Fast = False,
    thorough: Thorough = False,
) -> None:
    """Check watermarks and credentials.

    In folders, the content of a file counts, whatever it is called; every other file is named on standard error.

    Exit code: 0 verified, 1 nothing found, 3 invalid or tampered, 4 untrusted, 8 credential expired, 9 credential
    unreadable.
    """
    code = lambda report: EXIT_CODES[report.outcome]  # noqa: E731
    extras = _Extras(manifest=manifest, effort=_effort(fast, thorough))
    raise typer.Exit(_examine_all(paths, as_json, present.line, code, extras, recursive=recursive, classify=False))


def inspect(
    paths: Paths,
    as_json: Json = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(help="Folder for a PNG of each watermarked image: where the watermark remains."),
    ] = None,
    manifest: Manifest = None,
    tree: Annotated[
        bool, typer.Option("--tree", help="Show what each image was made from, by its credential.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one self-contained page; for one FILE.")
    ] = None,
    crjson: Annotated[
        bool, typer.Option("--crjson", help="Print each credential as crJSON, the C2PA's JSON for reports.")
    ] = False,
    recursive: Recursive = True,
    fast: Fast = False,
    thorough: Thorough = False,
) -> None:
    """Report everything known about images. Exit code: 0 if all of them could be read.

    Of films, documents and other files that can carry a credential, the credential is read. In folders, the content of
    a file counts, whatever it is called; every other file is named on standard error.
    """
    if heatmap:
        files.make_folder(heatmap)
    extras = _Extras(heatmap, manifest, html, crjson, _effort(fast, thorough))
    show = _print_nothing if crjson else present.tree if tree else present.full
    raise typer.Exit(_examine_all(paths, as_json, show, lambda _report: 0, extras, recursive=recursive))


def _effort(fast: bool, thorough: bool) -> Effort | None:
    """Raises BadRequest for both."""
    if fast and thorough:
        raise BadRequest("--fast and --thorough contradict each other", hint="Give one of them.")
    return Effort.FAST if fast else Effort.THOROUGH if thorough else None


@dataclass(frozen=True, slots=True)
class _Extras:
    """What is read beside a file, how long its watermark is looked for, and what is written beside its report."""

    heatmap: Path | None = None
    manifest: Path | None = None
    html: Path | None = None
    crjson: bool = False
    effort: Effort | None = None

    def check(self, names: Sequence[str]) -> None:
        """Raises BadRequest if there are several files for what goes with one, or if the page cannot be written."""
        if len(names) > 1 and (self.manifest or self.html):
            raise BadRequest("--manifest and --html are for one file", hint="Name one FILE.")
        if self.html:
            files.check_target(str(self.html), force=True)


def _print_nothing(_console: Console, _report: Report) -> None:
    """The crJSON has been printed in its place."""


def _examine_all(
    paths: Sequence[str],
    as_json: bool,
    show: Callable[[Console, Report], None],
    exit_code: Callable[[Report], int],
    extras: _Extras,
    *,
    recursive: bool,
    classify: bool = True,
) -> int:
    """Examine each file and return the exit code. A file that cannot be read does not stop the others."""
    console = Console(highlight=False)
    progress = Console(stderr=True)
    skipped = present.Skipped(progress, search.EXAMINABLE.what)
    names = list(search.expand(paths, skipped, search.EXAMINABLE, recursive=recursive))
    extras.check(names)
    installation = open_installation(load_settings())
    codes = []
    for name in track(names, "Examining", console=progress, transient=True, disable=len(names) == 1):
        try:
            report = _examine(installation, name, classify, extras)
        except Error as error:
            codes.append(error.exit_code)
            present.failure(console, label(name), error, as_json)
            continue
        codes.append(exit_code(report))
        if as_json and not extras.crjson:
            print(report.model_dump_json())
        else:
            show(console, report)
    skipped.close(len(names) if search.is_expanded(paths) else None)
    return max(codes, key=_SEVERITY.index)


def _examine(installation: Installation, name: str, classify: bool, extras: _Extras) -> Report:
    examiner, limit = installation.examiner, installation.settings.max_bytes
    data = files.read(name, limit, fetch=installation.settings.fetch_urls)
    manifest = files.read(str(extras.manifest), limit) if extras.manifest else None
    report = examiner.examine(data, label(name), classify=classify, manifest=manifest, effort=extras.effort)
    if extras.crjson:
        print(examiner.crjson(data, manifest) or "{}")
    if extras.html:
        _write_page(extras.html, report, examiner, data, manifest)
    if extras.heatmap and (found := examiner.heatmap(data)):
        target = extras.heatmap / f"{files.stem(name)}-{report.asset.sha256[:8]}.png"
        files.write(str(target), encode(overlay(*found), "png")[0])
    return report


def _write_page(target: Path, report: Report, examiner: Examiner, data: bytes, manifest: bytes | None) -> None:
    from service.presentation.report_page import page  # noqa: PLC0415 - the other commands need no templates

    issued = examiner.issued_preview(report, data)
    shown = page(report, examiner.preview(data), examiner.thumbnails(data, manifest), issued=issued)
    files.write(str(target), shown.encode())
