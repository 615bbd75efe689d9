"""countermark keys."""

from typing import Annotated

import typer
from rich.console import Console

from service.keys import mark_keys
from service.kit.settings import load_settings

app = typer.Typer(help="The installation's keys.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `rotate` a subcommand while it is the only one."""


@app.command("rotate")
def rotate(
    drop_oldest: Annotated[
        bool, typer.Option("--drop-oldest", help="Forget the oldest secret where no more can be searched for.")
    ] = False,
) -> None:
    """Mark with a new secret from the next start on; marks made before are still read."""
    count = mark_keys.rotate(load_settings(), drop_oldest=drop_oldest)
    Console(highlight=False).print(
        f"A new secret marks from the next start on; {count - 1} older ones are still read. Restart what is running.",
        markup=False,
        soft_wrap=True,
    )
