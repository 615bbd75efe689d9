"""countermark db."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from service.cli.text import label, printable
from service.kit import home
from service.kit.clock import stamp
from service.kit.errors import LedgerCorrupt, Misconfigured, NotFound
from service.kit.settings import Settings, load_settings
from service.ledger.home_ledger import location, open_home_ledger
from service.storage import DatabaseCondition, TableCondition, condition_of, revision_at

app = typer.Typer(help="The database: its condition, and its upgrade to this version.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("check")
def check(as_json: Json = False) -> None:
    """Check schema, integrity, sizes and vacuum without changing anything. Exit 0 if all is well, 1 if there is no
    database or it needs an upgrade, 2 if a newer version made it, 3 if it is damaged, 7 if it does not answer."""
    found = condition_of(location(load_settings()))
    if as_json:
        print(json.dumps(asdict(found), default=stamp))
    else:
        console = Console(highlight=False)
        for line in _lines(found):
            console.print(printable(label(line)), markup=False, soft_wrap=True)
    _raise_for(found)


@app.command("upgrade")
def upgrade(as_json: Json = False) -> None:
    """Bring the schema to this version, or make it in an empty database. All or nothing; another process that starts
    meanwhile waits. Back up first: older versions do not open an upgraded database."""
    settings = load_settings()
    before = _revision(settings)
    home.protect(home.prepare(settings.home))
    with closing(open_home_ledger(settings)):
        pass
    after = _revision(settings)
    if as_json:
        print(json.dumps({"before": before, "after": after}))
    elif before == after:
        print(f"The database is at revision {after} already.")
    else:
        print(f"The database was upgraded from {before or 'nothing'} to revision {after}.")


def _revision(settings: Settings) -> str | None:
    try:
        return revision_at(location(settings))
    except NotFound:
        return None


def _lines(found: DatabaseCondition) -> Iterator[str]:
    yield f"{found.backend} {found.version}, {_size(found.bytes)}"
    yield f"revision {found.revision or 'none'}, {found.state}"
    for table in found.tables:
        if table.rows or (table.bytes or 0) > _WORTH_NAMING:
            yield f"  {_table(table)}"
    for problem in found.problems:
        yield f"Problem: {problem}"
    for advice in found.advice:
        yield f"Advice: {advice}"


_WORTH_NAMING = 1 << 20
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def _table(table: TableCondition) -> str:
    parts = [table.name]
    parts += [_size(table.bytes)] if table.bytes is not None else []
    parts += [f"about {table.rows:,} rows"] if table.rows is not None else []
    parts += [f"{table.dead_rows:,} dead"] if table.dead_rows else []
    parts += [f"vacuumed {stamp(table.vacuumed_at)}"] if table.vacuumed_at else []
    return ", ".join(parts)


def _size(count: int) -> str:
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _raise_for(found: DatabaseCondition) -> None:
    if found.problems:
        raise LedgerCorrupt(f"{len(found.problems)} problems in the database; the first: {found.problems[0]}")
    if found.state == "newer":
        raise Misconfigured(
            f"the database is at revision {found.revision}, and this version knows none after {found.newest}",
            hint="A newer version of Countermark upgraded it: run that version, or restore an earlier backup.",
        )
    if found.state != "current":
        raise NotFound(
            f"the database is at revision {found.revision or 'none'}, and this version needs {found.newest}",
            hint="Back up, then run `countermark db upgrade`; a server also upgrades when it starts.",
        )
