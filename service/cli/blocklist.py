"""countermark blocklist."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.cli import files, present
from service.cli.text import label, printable
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, Blocked, Error, TooLarge
from service.kit.settings import load_settings
from service.media.pictures import decode
from service.moderation.blocklist import BlocklistMatch
from service.moderation.hash_lists import FORMATS, KINDS, HashKind, Listed, ListFormat, known_hash

_MAX_LIST_BYTES = 1 << 30
_SOURCE = "command line"

app = typer.Typer(help="Hashes of images that must be blocked.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The list's name.", metavar="LIST")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[str | None, typer.Option("--type", help="pdq or sha256, for rows without a type.")]


@app.command("import")
def import_list(
    name: Name,
    file: Annotated[str, typer.Argument(help="Text, CSV or JSON; - reads standard input.")],
    source: Annotated[str | None, typer.Option(help="Where the list comes from; default: the file's name.")] = None,
    kind: Kind = None,
    to: Annotated[str | None, typer.Option("--format", help="text, csv or json; default: detected.")] = None,
    as_json: Json = False,
) -> None:
    """Import hashes into a list: all of them, or none if a row is not valid."""
    form = _format(to) if to else None
    data = files.read(file, _MAX_LIST_BYTES)
    if len(data) > _MAX_LIST_BYTES:
        raise TooLarge(f"the list exceeds {_MAX_LIST_BYTES:,} bytes", hint="Nothing was imported. Split the list.")
    done = open_installation(load_settings()).blocklist.import_list(
        data, name, source or label(file), form, _kind(kind) if kind else None
    )
    if as_json:
        print(json.dumps(asdict(done)))
        return
    print(f"{done.added} added, {done.known} already listed")
    for cause, rows in done.left_out.items():
        print(f"{rows} skipped: {cause}")


@app.command("export")
def export(
    name: Name, to: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "csv", as_json: Json = False
) -> None:
    """Write a list's active hashes to standard output. --json means --format json."""
    print(open_installation(load_settings()).blocklist.export(name, "json" if as_json else _format(to)), end="")


@app.command("add")
def add(
    name: Name,
    what: Annotated[str, typer.Argument(help="64 hex digits.", metavar="HASH")],
    kind: Annotated[str, typer.Option("--type", help="pdq or sha256.")],
    reason: Annotated[str, typer.Option(help="Reason; exported with the list.")] = "",
    as_json: Json = False,
) -> None:
    """Add one hash to a list."""
    listed = Listed(_kind(kind), known_hash(what), reason)
    added = open_installation(load_settings()).blocklist.add([listed], name, _SOURCE)
    print(json.dumps({"added": added}) if as_json else f"{added} added")


@app.command("remove")
def remove(
    name: Name,
    what: Annotated[str | None, typer.Argument(help="64 hex digits.", metavar="HASH")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Withdraw the whole list.")] = False,
    as_json: Json = False,
) -> None:
    """Withdraw a hash from a list, or every hash with --all."""
    if (what is None) != everything:
        raise BadRequest("give either a hash or --all", hint="See `countermark blocklist remove --help`.")
    withdrawn = open_installation(load_settings()).blocklist.remove(name, what)
    print(json.dumps({"withdrawn": withdrawn}) if as_json else f"{withdrawn} withdrawn")


@app.command("list")
def list_lists(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show every list and its number of hashes."""
    lists = open_installation(load_settings()).blocklist.lists()
    if as_json:
        for each in lists:
            print(json.dumps(asdict(each)))
        return
    table = Table()
    for heading in ("list", "type", "active", "withdrawn"):
        table.add_column(heading)
    for each in lists:
        table.add_row(each.list, each.kind, f"{each.active:,}", f"{each.withdrawn:,}")
    Console().print(table)


@app.command("check")
def check(
    names: Annotated[list[str], typer.Argument(help="Images; - reads standard input.", metavar="FILE...")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Check whether images are listed: exit 0 if none is, 6 if one is, 5 or 7 if one could not be checked."""
    installation, console, codes = open_installation(load_settings()), Console(highlight=False), [0]
    for name in names:
        try:
            match = _match(installation, name)
        except Error as error:
            codes.append(error.exit_code)
            present.failure(console, label(name), error, as_json)
            continue
        codes.append(Blocked.exit_code if match else 0)
        if as_json:
            print(json.dumps({"file": label(name), "match": asdict(match) if match else None}))
        else:
            result = f"on the list {match.list} ({match.kind}, {match.distance} bits differ)" if match else "not listed"
            console.print(printable(f"{label(name)}: {result}"), markup=False, soft_wrap=True)
    raise typer.Exit(Blocked.exit_code if Blocked.exit_code in codes else max(codes))


def _match(installation: Installation, name: str) -> BlocklistMatch | None:
    settings = installation.settings
    picture = decode(files.read(name, settings.max_bytes), installation.limits)
    return installation.blocklist.match(picture.rgb, picture.sha256)


def _kind(text: str) -> HashKind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadRequest(f"unknown hash type {text}", hint=f"Use one of {', '.join(KINDS)}.")


def _format(text: str) -> ListFormat:
    for form in FORMATS:
        if form == text:
            return form
    raise BadRequest(f"unknown list format {text}", hint=f"Use one of {', '.join(FORMATS)}.")
