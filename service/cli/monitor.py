"""countermark monitor."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detectors import calibrated_histograms
from models import find_card
from service.cli import charts, files
from service.cli.text import printable
from service.examiner.monitoring import ALL, Monitor, Period, Trial
from service.examiner.monitoring import monitor as report
from service.examiner.stability import MAJOR, MODERATE
from service.installation import open_installation
from service.kit.clock import utc_now
from service.kit.settings import load_settings

_NOTHING = 1
_PERIODS = (
    "week",
    "images",
    "out of\nscope",
    "called\nsynthetic",
    "undecided",
    "synthetic\nby fit",
    "PSI",
    "PSI against\nearlier",
    "",
)
_KINDS = ("kind", *_PERIODS[1:])
_TRIALS = (
    "model on trial",
    "images",
    "difference",
    "called\nsynthetic",
    "by it",
    "same\nverdict",
    "labelled",
    "AUROC",
    "of it",
)
_LABELS = ("label", "files", "likely_synthetic", "likely_camera", "inconclusive")
_BANDS = {"too_few": "too few", "no_reference": "not calibrated here"}


def monitor(
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks to look at, this one included.")] = 8,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with charts to this file.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Compare the scores recorded by week with those of the images that the detector was calibrated on.

    A population stability index below 0.1 is stable; above 0.25 the images in use are not those that the rates were
    measured on. Exit 1 if nothing was recorded: set COUNTERMARK_SCORE_RETENTION_DAYS.
    """
    if html:
        files.check_target(str(html), force)
    installation = open_installation(load_settings())
    monday = utc_now().date() - dt.timedelta(days=utc_now().weekday(), weeks=weeks - 1)
    with installation.ledger.read() as stored:
        rows = list(stored.examinations.since(dt.datetime.combine(monday, dt.time(), dt.UTC)))
    found = report(rows, installation.feedback.all(), calibrated_histograms(find_card("synthetic")))
    installation.close()
    if html:
        files.write(str(html), _page(found).encode())
    if as_json:
        print(found.model_dump_json())
    elif found.periods:
        _show(found)
    if not found.periods:
        text = "No scores are recorded for these weeks. COUNTERMARK_SCORE_RETENTION_DAYS switches recording on."
        Console(stderr=True).print(text, soft_wrap=True, highlight=False)
        raise typer.Exit(_NOTHING)


def _show(found: Monitor) -> None:
    last = found.periods[-1].week
    for title, headings, rows in (
        ("By week", _PERIODS, [_row(each) for each in found.periods if each.kind == ALL]),
        (
            f"By kind, {last}",
            _KINDS,
            [[each.kind, *_row(each)[1:]] for each in found.periods if each.kind != ALL and each.week == last],
        ),
        ("Models on trial, beside the active one", _TRIALS, [_trial(each) for each in found.trials]),
        ("Labelled files, and what they had been called", _LABELS, _labels(found)),
    ):
        if not rows:
            continue
        table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, heading in enumerate(headings):
            table.add_column(heading, justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console().print(table)


def _row(period: Period) -> list[str]:
    return [
        period.week,
        str(period.images),
        str(period.out_of_scope),
        f"{period.flagged:.1%}",
        f"{period.undecided:.1%}",
        _percent(period.synthetic_share),
        _number(period.psi),
        _number(period.psi_earlier),
        _BANDS.get(period.band, period.band),
    ]


def _trial(trial: Trial) -> list[str]:
    return [
        trial.candidate,
        str(trial.images),
        f"{trial.mean_difference:+.3f}",
        f"{trial.flagged:.1%}",
        _percent(trial.flagged_by_candidate),
        _percent(trial.same_verdict),
        str(trial.labelled),
        _number(trial.auroc),
        _number(trial.candidate_auroc),
    ]


def _labels(found: Monitor) -> list[list[str]]:
    return [
        [each.label, str(each.files), str(each.likely_synthetic), str(each.likely_camera), str(each.inconclusive)]
        for each in found.labels
    ]


def _page(found: Monitor) -> str:
    weeks = [each for each in found.periods if each.kind == ALL]
    return charts.page(
        "Countermark: scores by week",
        *([_trend(weeks)] if any(each.psi is not None for each in weeks) else []),
        *(_histogram(each) for each in weeks[-1:]),
        charts.table(_PERIODS, [_row(each) for each in weeks]),
        charts.table(("kind", *_PERIODS), [[each.kind, *_row(each)] for each in found.periods if each.kind != ALL]),
        *([charts.table(_TRIALS, [_trial(each) for each in found.trials])] if found.trials else []),
        *([charts.table(_LABELS, _labels(found))] if found.labels else []),
        charts.paragraph("PSI: population stability index, against the calibration set with the share of synthetic "
                         "images that fits the week best. Below 0.1 stable, above 0.25 another population."),
    )  # fmt: skip


def _trend(weeks: Sequence[Period]) -> str:
    """The index by week, with the bands' limits."""
    curves = {
        name: [(number / max(len(weeks) - 1, 1), psi) for number, psi in enumerate(values) if psi is not None]
        for name, values in (
            ("calibration", [each.psi for each in weeks]),
            ("earlier weeks", [each.psi_earlier for each in weeks]),
        )
    }
    across = f"{weeks[0].week} to {weeks[-1].week}"
    return charts.trend("Population stability index", across, "PSI", curves, (MODERATE, MAJOR))


def _histogram(period: Period) -> str:
    classes = {"observed": [each / max(period.images, 1) for each in period.observed]}
    if period.expected:
        classes["expected"] = [each / max(period.images, 1) for each in period.expected]
    if not any(any(shares) for shares in classes.values()):
        return ""
    return charts.histogram(f"Scores, {period.week}", "p(synthetic)", "share of images", classes)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
