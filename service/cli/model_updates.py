"""countermark models update."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from detectors import calibrated_histograms
from models import Installed, ModelError, all_cards, find_card, installed, remove_others
from service.cli.model_pulls import Accept, confirm_licence, pull_shown
from service.examiner.classifier import Thresholds
from service.kit import home
from service.kit.errors import Error, Unavailable
from service.kit.model_store import CARDS_FOLDER, store
from service.kit.settings import Settings, load_settings

_WORDS = {
    "current": "up to date",
    "outdated": "another version is there",
    "damaged": "files differ from the card",
    "absent": "not downloaded",
}
_TO_DO = 1


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the result. `pulled`: its files were downloaded now. `fault`: why they could not be."""

    name: str
    version: str
    state: str
    others: tuple[str, ...] = ()
    pulled: bool = False
    fault: str | None = None


def update(
    check: Annotated[
        bool, typer.Option("--check", help="Download nothing; exit 1 if there is something to update.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete the files of versions that no card names.")] = False,
    accept_licence: Accept = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Bring what was downloaded to the versions of the cards. Models that nobody pulled are not downloaded.

    Exit 7 if a download fails; the others are updated all the same.
    """
    settings = load_settings()
    home.prepare(settings.home)
    try:
        found = installed(all_cards(settings.home / CARDS_FOLDER), store(settings))
    except ModelError as bad:
        raise Unavailable(str(bad)) from bad
    rows = [_checked(one) if check else _updated(one, settings, accept_licence) for one in found]
    if prune and not check:
        _prune(settings)
    rows += _thresholds(settings)
    _show(rows, as_json)
    if any(row.fault for row in rows):
        raise typer.Exit(Unavailable.exit_code)
    if check and any(row.state in ("outdated", "damaged") for row in rows):
        raise typer.Exit(_TO_DO)


def _checked(one: Installed) -> _Row:
    return _Row(one.card.name, one.card.version, one.state, one.others)


def _updated(one: Installed, settings: Settings, accept_licence: bool) -> _Row:
    """Its row, after pulling it if it is not as its card says."""
    if not one.needs_pull:
        return _checked(one)
    try:
        if not one.card.permissive:
            confirm_licence(one.card.identity, one.card.licence, accept_licence)
        pull_shown(one.card, settings)
    except (Error, ModelError) as fault:
        return _Row(one.card.name, one.card.version, one.state, one.others, fault=str(fault))
    return _Row(one.card.name, one.card.version, "current", one.others, pulled=True)


def _prune(settings: Settings) -> None:
    """Delete old versions of the models that are up to date now. Raises Unavailable."""
    for one in installed(all_cards(settings.home / CARDS_FOLDER), store(settings)):
        if one.state == "current":
            try:
                remove_others(one, store(settings))
            except OSError as denied:
                raise Unavailable(f"old versions of {one.card.name} cannot be deleted: {denied.strerror}") from denied


def _thresholds(settings: Settings) -> list[_Row]:
    """The operator's threshold file, which a new version of the detector makes useless."""
    if settings.thresholds_file is None:
        return []
    calibration = Thresholds.load(settings.thresholds_file).calibration
    known = calibrated_histograms(find_card("synthetic"))
    return [_Row("thresholds_file", calibration, "current" if calibration in known else "outdated")]


def _show(rows: Sequence[_Row], as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps({name: getattr(row, name) for name in _Row.__slots__}))
        return
    table = Table()
    for heading in ("model", "version", "state", "other versions"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        state = row.fault or ("updated" if row.pulled else _WORDS[row.state])
        table.add_row(row.name, row.version, state, ", ".join(row.others))
    Console().print(table)
    if any(row.name == "thresholds_file" and row.state == "outdated" for row in rows):
        text = "The threshold file is for another calibration: run `countermark benchmark` again with --thresholds."
        Console(stderr=True).print(text, soft_wrap=True, highlight=False)
