"""Reports for people: a short answer, or everything as a table."""

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import provenance_tree
from service.cli.search import IMAGES
from service.cli.text import label, printable
from service.examiner.policy import Outcome
from service.examiner.report import CONFLICTS, Report
from service.kit.errors import Error
from service.presentation.provenance_tree import nodes

_COLOURS = {
    Outcome.VERIFIED: "green",
    Outcome.NOTHING: "yellow",
    Outcome.INVALID: "red",
    Outcome.UNTRUSTED: "yellow",
    Outcome.EXPIRED: "yellow",
    Outcome.UNREADABLE: "yellow",
}


def line(console: Console, report: Report) -> None:
    """`FILE: outcome (verdict)`, and the reasons below it."""
    colour = _COLOURS[report.outcome]
    console.print(
        Text(printable(f"{report.file}: "))
        .append(report.outcome.value, f"bold {colour}")
        .append(f" ({report.verdict})"),
        soft_wrap=True,
    )
    for text in [*_reasons(report), *_conflicts(report)]:
        console.print(f"  {text}", markup=False, soft_wrap=True)


def full(console: Console, report: Report) -> None:
    """Everything, grouped as the report is."""
    asset = report.asset
    table = Table(title=Text(printable(report.file)), title_justify="left", show_header=False, expand=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("verdict", Text(report.verdict.value, f"bold {_COLOURS[report.outcome]}"))
    table.add_row("why", "\n".join(_reasons(report)))
    if report.conflicts:
        table.add_row("conflicts", Text("\n".join(_conflicts(report)), "red"))
    table.add_section()
    first = f", the first of {asset.frames:,} images" if asset.frames > 1 else ""
    size = f"{asset.width} x {asset.height} px, " if asset.width else ""
    table.add_row("file", f"{asset.mime}, {size}{asset.bytes:,} bytes{first}")
    if asset.not_examined:
        table.add_row("not examined", Text(printable(f"the pixels: {asset.not_examined}")))
    table.add_row("SHA-256", asset.sha256)
    for heading, lines in _sections(report).items():
        table.add_row(heading, Text(printable("\n".join(lines))))
    console.print(table)


def tree(console: Console, report: Report) -> None:
    """The short answer, and what the image was made from by its credential."""
    line(console, report)
    root = nodes(report.claimed)
    if root:
        console.print(provenance_tree.tree(root), soft_wrap=True)


def failure(console: Console, name: str, error: Error, as_json: bool) -> None:
    """Why a file could not be examined, in place of its report."""
    if as_json:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        print(json.dumps({"file": name, "error": problem}))
    else:
        text = f"{name}: {error.message} ({error.code}). {error.hint}"
        console.print(printable(text), markup=False, soft_wrap=True)


class Skipped:
    """Names the files of folders that are not looked at, a line for each, and counts at the end."""

    def __init__(self, console: Console, what: str = IMAGES.what) -> None:
        """`what`: what is looked for."""
        self._console = console
        self._what = what
        self._count = 0

    def __call__(self, name: str) -> None:
        self._count += 1
        text = f"{label(name)} skipped: by its content it is not among the {self._what}"
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def close(self, read: int | None = None) -> None:
        """Prints how many there were, if any. `read`: how many files were looked at, to be printed in any case."""
        skipped = f"{self._count:,} {'file' if self._count == 1 else 'files'} skipped" if self._count else ""
        done = "" if read is None else f"{read:,} {'file' if read == 1 else 'files'} read"
        if text := ", ".join(filter(None, (done, skipped))):
            self._console.print(text, highlight=False)


def _reasons(report: Report) -> list[str]:
    return [reason.text for reason in report.reasons]


def _conflicts(report: Report) -> list[str]:
    return [f"Conflict: {CONFLICTS[code]}" for code in report.conflicts]


def _sections(report: Report) -> dict[str, list[str]]:
    """The lines of all lanes under the report's field that they belong to, in order."""
    return {
        field: [line for lane, section in lanes for line in lane.lines(section)]
        for field, lanes in report.by_field().items()
    }
