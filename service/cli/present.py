"""Reports for people: one line, or the whole as a table."""

import json
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.files import printable
from service.examiner.policy import Outcome
from service.examiner.report import CONFLICTS, Claimed, Inferred, Report, WatermarkReading
from service.kit.errors import Error

_COLOURS = {
    Outcome.VERIFIED: "green",
    Outcome.NOTHING: "yellow",
    Outcome.INVALID: "red",
    Outcome.UNTRUSTED: "yellow",
}


def line(console: Console, report: Report) -> None:
    """`FILE: outcome, verdict` and the reasons below it."""
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
    """Everything, grouped as the report is: claimed, marked, matched, inferred."""
    asset = report.asset
    table = Table(title=Text(printable(report.file)), title_justify="left", show_header=False, expand=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("verdict", Text(report.verdict.value, f"bold {_COLOURS[report.outcome]}"))
    table.add_row("why", "\n".join(_reasons(report)))
    if report.conflicts:
        table.add_row("conflicts", Text("\n".join(_conflicts(report)), "red"))
    table.add_section()
    table.add_row("file", f"{asset.mime}, {asset.width} x {asset.height} px, {asset.bytes:,} bytes")
    table.add_row("SHA-256", asset.sha256)
    table.add_row("claimed", Text(printable("\n".join(_claimed(report.claimed)))))
    table.add_row("marked", Text("\n".join(text for mark in report.marked for text in _marked(mark))))
    table.add_row("matched", Text("\n".join(_matched(report)) or "nothing"))
    table.add_row("inferred", Text("\n".join(inferred(report.inferred))))
    console.print(table)


def inferred(found: Inferred) -> Iterator[str]:
    """What the classifiers say, a line for each fact."""
    if found.p_synthetic is None or found.interval is None:
        yield found.state.replace("_", " ")
    else:
        low, high = found.interval
        yield f"{found.verdict}: p(synthetic) {found.p_synthetic:.2f}, 90 % interval {low:.2f} to {high:.2f}"
        yield f"{found.synthetic_above:.2f} is reached by {found.threshold_fpr:.0%} of real pictures"
    for finding in found.findings:
        yield f"{finding.detector}: {finding.score:.2f} by {finding.model}"
    for reason in (*found.warnings, *found.reasons):
        yield reason.text


def failure(console: Console, name: str, error: Error, as_json: bool) -> None:
    """What became of a file that could not be used, in the place of its report."""
    if as_json:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        print(json.dumps({"file": name, "error": problem}))
    else:
        text = f"{name}: {error.message} ({error.code}). {error.hint}"
        console.print(printable(text), markup=False, soft_wrap=True)


def _reasons(report: Report) -> list[str]:
    return [reason.text for reason in report.reasons]


def _conflicts(report: Report) -> list[str]:
    return [f"Conflict: {CONFLICTS[code]}" for code in report.conflicts]


def _claimed(claimed: Claimed) -> Iterator[str]:
    yield claimed.state
    if claimed.signer:
        yield f"signer: {claimed.signer}, {claimed.issuer} (trust list: {claimed.trust_list or 'none'})"
    if claimed.generator:
        yield f"generator: {claimed.generator}"
    for action in claimed.actions:
        source = (action.digital_source_type or "").rsplit("/", 1)[-1]
        yield " ".join(filter(None, (f"{action.action}:", action.agent, source, action.when)))
    for failure in claimed.failures:
        yield f"failure: {failure}"
    for declared in claimed.declarations:
        yield f"{declared.source}: {declared.value} ({declared.origin})"


def _marked(mark: WatermarkReading) -> Iterator[str]:
    if not mark.present:
        yield f"{mark.codec}: {mark.note or 'no mark'}"
        return
    if mark.name:
        yield f"{mark.codec}: {mark.name}, {mark.confidence:.0%} of it read right"
        return
    yield f"{mark.codec}: {mark.mark_id}, confidence {mark.confidence:.2f}, in {mark.coverage:.0%} of the picture"
    if mark.issued:
        yield f"issued here on {mark.issued.created_at} by {mark.issued.model} as {mark.issued.content_id}"
        same = {True: "same picture", False: "another picture", None: "cannot tell"}[mark.same_image]
        yield f"compared with the issued picture: {same} ({mark.distance} of 256 bits differ)"


def _matched(report: Report) -> Iterator[str]:
    for match in report.matched:
        yield f"{match.issued.content_id} ({match.distance} of 256 bits differ)"
