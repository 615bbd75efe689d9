"""countermark trust."""

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from cryptography import x509
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import files
from service.cli.text import printable
from service.kit.errors import BadRequest
from service.kit.settings import Settings, load_settings
from watermark.c2pa.trust import Kind, TrustList, TrustListError, entry, load

app = typer.Typer(help="Trust lists: whose signatures, time-stamps and identities count.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per list.")]
_SOON = dt.timedelta(days=30)


@app.command("list")
def show(as_json: Json = False) -> None:
    """List the trust lists in use."""
    console = Console(highlight=False)
    table = Table("list", "kind", "date", "certificates", "note", box=None, padding=(0, 2, 0, 0))
    for each in _lists(load_settings()):
        certificates = each.certificates()
        if as_json:
            print(json.dumps({"name": each.name, "kind": each.kind, "date": str(each.date), "frozen": each.frozen,
                              "certificates": len(certificates), "ekus": each.ekus}))  # fmt: skip
        note = "frozen: its publisher no longer maintains it" if each.frozen else ""
        table.add_row(each.name, each.kind, str(each.date), str(len(certificates)), note)
    if not as_json:
        console.print(table)


@app.command()
def add(
    pem: Annotated[Path, typer.Argument(help="PEM file of CA certificates.")],
    name: Annotated[str, typer.Option(help="Name that reports show.")],
    kind: Annotated[Literal["manifest", "tsa", "cawg"], typer.Option(help="What it vouches for.")] = "manifest",
    date: Annotated[str | None, typer.Option(help="Date of the snapshot, as 2026-08-01; default: today.")] = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="Its publisher no longer maintains it.")] = False,
) -> None:
    """Add a trust list to the file that COUNTERMARK_TRUST_LISTS names, with the file's SHA-256."""
    path = _path(load_settings())
    chosen: Kind = kind
    try:
        day = dt.date.fromisoformat(date) if date else dt.datetime.now(dt.UTC).date()
    except ValueError:
        raise BadRequest(f"{date} is not a date", hint="Write it as 2026-08-01.") from None
    data = _certificates(pem)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    copy = path.parent / f"{name}.pem"
    text = before + entry(TrustList(name, data, chosen, date=day, frozen=frozen), copy.name)
    if copy.exists() and copy.read_bytes() != data:
        raise BadRequest(f"{copy} already exists", hint="Choose another name for the list.")
    trial = path.with_name(f".{path.name}.new")
    kept = copy.exists()
    files.write(str(copy), data)
    files.write(str(trial), text.encode())
    try:
        load(trial)
    except TrustListError as wrong:
        if not kept:
            copy.unlink()
        raise BadRequest(str(wrong), hint="Nothing was added.") from wrong
    finally:
        trial.unlink()
    files.write(str(path), text.encode())
    print(
        f"{name}: {len(x509.load_pem_x509_certificates(data))} certificates, SHA-256 {hashlib.sha256(data).hexdigest()}"
    )


@app.command()
def check() -> None:
    """Check the trust lists: files, digests, expiry. Exit code: 0 all usable, 2 a list cannot be used."""
    console = Console(highlight=False)
    now = dt.datetime.now(dt.UTC)
    for each in _lists(load_settings()):
        notes = ["frozen"] if each.frozen else []
        for certificate in each.certificates():
            name = certificate.subject.rfc4514_string()
            if certificate.not_valid_after_utc < now:
                notes.append(f"expired: {name}")
            elif certificate.not_valid_after_utc < now + _SOON:
                notes.append(f"expires on {certificate.not_valid_after_utc:%Y-%m-%d}: {name}")
        console.print(Text(printable(f"{each.name}: usable{''.join(f'; {note}' for note in notes)}")), soft_wrap=True)


def _path(settings: Settings) -> Path:
    """Raises BadRequest if no file of trust lists is configured."""
    if settings.trust_lists is None:
        raise BadRequest("no trust lists are configured", hint="Set COUNTERMARK_TRUST_LISTS to a TOML file.")
    return settings.trust_lists


def _lists(settings: Settings) -> tuple[TrustList, ...]:
    try:
        return load(_path(settings))
    except TrustListError as wrong:
        raise BadRequest(str(wrong), hint="Correct the file named by COUNTERMARK_TRUST_LISTS.") from wrong


def _certificates(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        x509.load_pem_x509_certificates(data)
    except OSError as gone:
        raise BadRequest(f"{path} cannot be read: {gone.strerror}", hint="Check the path.") from gone
    except ValueError as malformed:
        raise BadRequest(f"{path} does not contain PEM certificates", hint="Send a PEM file.") from malformed
    return data
