"""The commands by their names. A command's module is imported when it is asked for: each needs other libraries."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperGroup

COMMANDS: Final[Mapping[str, str]] = {
    "generate": "generate:generate",
    "verify": "examine:verify",
    "inspect": "examine:inspect",
    "archive": "archive:app",
    "comply": "comply:comply",
    "detect": "detect:detect",
    "benchmark": "benchmark:benchmark",
    "monitor": "monitor:monitor",
    "feedback": "feedback:app",
    "serve": "serve:serve",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "faces": "faces:app",
    "models": "models:app",
    "audit": "audit:app",
    "ledger": "ledger:app",
    "db": "db:app",
    "keys": "keys:app",
    "blocklist": "blocklist:app",
    "consent": "consent:app",
    "takedowns": "takedowns:app",
    "appeals": "appeals:app",
    "review": "review:app",
    "tenants": "tenants:app",
    "jobs": "jobs:app",
    "webhooks": "webhooks:app",
    "prompts": "prompts:app",
    "trust": "trust:app",
}
"""Module in `service.cli`, and the function or the `typer.Typer` in it. In the order of `--help`."""


class LazyCommands(TyperGroup):
    """A group that knows the names of its commands, and imports one to run it or to show its help."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast(Any, _Commands())


class _Commands(Mapping[str, Any]):
    """Commands by name, each made when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        module, attribute = COMMANDS[name].split(":")
        found = getattr(import_module(f"service.cli.{module}"), attribute)
        parent = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=name)
        else:
            parent.command(name)(found)
        return typer.main.get_group(parent).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)
