"""All commands, and the one place where errors become a message and an exit code."""

import os
import sys
import traceback
from typing import Annotated

import typer
from rich.console import Console

from service import __version__
from service.cli import renamed
from service.cli.commands import LazyCommands
from service.cli.text import label, printable
from service.kit import logs
from service.kit.errors import Error, Refusal

EPILOG = (
    "Exit codes: 0 verified or done, 1 nothing found, 2 usage or settings, 3 invalid or tampered, "
    "4 untrusted, 5 unusable input, 6 refused, 7 unavailable, 8 credential expired, 9 credential unreadable, 70 bug."
)

app = typer.Typer(
    name="countermark",
    cls=LazyCommands,
    help="Generate images that can always be traced, and check any image for its origin.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"countermark {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    logs.configure("error")  # commands report through their output; `serve` enables the log


def run() -> None:
    """Run the command line and turn every error into a message and an exit code."""
    words, warnings = renamed.translate(sys.argv[1:])
    for warning in warnings:
        print(f"countermark: {warning}", file=sys.stderr)
    try:
        app(words)
    except Error as error:
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `countermark inspect ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as bug:  # noqa: BLE001 - Python's own exit code 1 would mean "nothing found"
        at = traceback.extract_tb(bug.__traceback__)[-1]
        print_error(
            Error(
                f"an internal error occurred at {at.filename}:{at.lineno}",
                hint=f"This is a bug in Countermark. Please report it, with its kind: {type(bug).__name__}.",
            )
        )
        sys.exit(Error.exit_code)


def print_error(error: Error) -> None:
    """Print what happened and what to do on standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(printable(label(f"countermark: {error.message} ({error.code})")), markup=False, soft_wrap=True)
    console.print(f"  {error.hint}", markup=False, soft_wrap=True)
    if isinstance(error, Refusal) and error.content_id:
        console.print(f"  To appeal, use the id {error.content_id} (POST /v1/appeals).", markup=False, soft_wrap=True)
