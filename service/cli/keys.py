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
        bool,
        typer.Option("--drop-oldest", help="Drop the oldest secret if the limit is reached."),
    ] = False,
) -> None:
    """Create a new watermark secret, used from the next start. Existing marks remain readable."""
    count = mark_keys.rotate(load_settings(), drop_oldest=drop_oldest)
    Console(highlight=False).print(
        f"Created a new secret; {count - 1} older ones still read their marks. Restart running services to use it.",
        markup=False,
        soft_wrap=True,
    )
