"""countermark blocklist."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.cli import files, present
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, Blocked, Error, TooLarge
from service.kit.settings import load_settings
from service.media.pictures import decode, limits_of
from service.moderation.blocklist import BlocklistMatch
from service.moderation.hash_lists import FORMATS, KINDS, HashKind, Listed, ListFormat, known_hash

_LARGEST_LIST = 1 << 30  # bytes
_BY_HAND = "command line"

app = typer.Typer(help="Hashes of pictures that must not pass.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The list's name.", metavar="LIST")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[str | None, typer.Option("--type", help="pdq or sha256, for rows that do not say.")]


@app.command("import")
def import_list(
    name: Name,
    file: Annotated[str, typer.Argument(help="Text, CSV or JSON; - reads standard input.")],
    source: Annotated[str | None, typer.Option(help="Where it came from; default: the file's name.")] = None,
    kind: Kind = None,
    to: Annotated[str | None, typer.Option("--format", help="text, csv or json; default: told by the file.")] = None,
    as_json: Json = False,
) -> None:
    """Put a whole hash list on a list, or nothing of it if a row cannot be read."""
    form = _format(to) if to else None
    data = files.read(file, _LARGEST_LIST)
    if len(data) > _LARGEST_LIST:
        raise TooLarge(f"a list has at most {_LARGEST_LIST:,} bytes", hint="Split it. Nothing was imported.")
    done = open_installation(load_settings()).blocklist.import_list(
        data, name, source or files.label(file), form, _kind(kind) if kind else None
    )
    if as_json:
        print(json.dumps(asdict(done)))
        return
    print(f"{done.added} added, {done.known} were there")
    for cause, rows in done.left_out.items():
        print(f"{rows} left out: {cause}")


@app.command("export")
def export(
    name: Name, to: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "csv", as_json: Json = False
) -> None:
    """Write a list's active hashes to standard output; --json is --format json."""
    print(open_installation(load_settings()).blocklist.export(name, "json" if as_json else _format(to)), end="")


@app.command("add")
def add(
    name: Name,
    what: Annotated[str, typer.Argument(help="64 hex digits.", metavar="HASH")],
    kind: Annotated[str, typer.Option("--type", help="pdq or sha256.")],
    reason: Annotated[str, typer.Option(help="Why; exported with the list.")] = "",
    as_json: Json = False,
) -> None:
    """Put one hash on a list."""
    listed = Listed(_kind(kind), known_hash(what), reason)
    added = open_installation(load_settings()).blocklist.add([listed], name, _BY_HAND)
    print(json.dumps({"added": added}) if as_json else f"{added} added")


@app.command("remove")
def remove(
    name: Name,
    what: Annotated[str | None, typer.Argument(help="64 hex digits.", metavar="HASH")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole list.")] = False,
    as_json: Json = False,
) -> None:
    """Withdraw a hash, or with --all every hash, from a list."""
    if (what is None) != everything:
        raise BadRequest("name a hash, or say --all", hint="See `countermark blocklist remove --help`.")
    withdrawn = open_installation(load_settings()).blocklist.remove(name, what)
    print(json.dumps({"withdrawn": withdrawn}) if as_json else f"{withdrawn} withdrawn")


@app.command("list")
def list_lists(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False) -> None:
    """Show every list and how many hashes it has."""
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
    names: Annotated[list[str], typer.Argument(help="Pictures; - reads standard input.", metavar="FILE...")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Tell whether pictures are listed: exit 0 none is, 6 one is, 5 or 7 one could not be checked."""
    installation, console, codes = open_installation(load_settings()), Console(highlight=False), [0]
    for name in names:
        try:
            match = _match(installation, name)
        except Error as error:
            codes.append(error.exit_code)
            present.failure(console, files.label(name), error, as_json)
            continue
        codes.append(Blocked.exit_code if match else 0)
        if as_json:
            print(json.dumps({"file": files.label(name), "match": asdict(match) if match else None}))
        else:
            told = f"on the list {match.list} ({match.kind}, {match.distance} bits differ)" if match else "not listed"
            console.print(files.printable(f"{files.label(name)}: {told}"), markup=False, soft_wrap=True)
    raise typer.Exit(Blocked.exit_code if Blocked.exit_code in codes else max(codes))


def _match(installation: Installation, name: str) -> BlocklistMatch | None:
    settings = installation.settings
    picture = decode(files.read(name, settings.max_bytes), limits_of(settings))
    return installation.blocklist.match(picture.rgb, picture.sha256)


def _kind(text: str) -> HashKind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadRequest(f"{text} is no type of hash", hint=f"Use one of {', '.join(KINDS)}.")


def _format(text: str) -> ListFormat:
    for form in FORMATS:
        if form == text:
            return form
    raise BadRequest(f"{text} is no format of a list", hint=f"Use one of {', '.join(FORMATS)}.")
