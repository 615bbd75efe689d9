"""Downloading a model with its progress on the terminal, once its licence is accepted."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from models import Card, pull
from service.kit.errors import BadRequest
from service.kit.model_store import store
from service.kit.settings import Settings

Accept = Annotated[bool, typer.Option("--accept-licence", help="Accept the model's licence without a prompt.")]

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())


def pull_shown(card: Card, settings: Settings) -> Card:
    """Download a card's files, with a progress bar on standard error. Raises ModelError as `pull`."""
    with Progress(*_COLUMNS, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(card.identity, total=None)
        return pull(card, store(settings), lambda done, total: progress.update(task, completed=done, total=total))


def confirm_licence(what: str, licence: str, accepted: bool) -> None:
    """Show a licence and ask for agreement. Raises BadRequest if it is not given."""
    Console(stderr=True).print(f"{what}: licence {licence}", markup=False, soft_wrap=True)
    if not accepted and not (sys.stdin.isatty() and typer.confirm("Do you accept it?", err=True)):
        raise BadRequest("the licence was not accepted", hint="Read it at its source, then use --accept-licence.")
