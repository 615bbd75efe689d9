"""countermark tenants keys."""

import datetime as dt
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.access.api_keys import ApiKey, ApiKeys, Keyed, KeyTerms
from service.access.scopes import ALL_SCOPES, TENANT_SCOPES
from service.cli.text import printable
from service.installation import open_installation
from service.kit.errors import BadRequest, first_fault
from service.kit.settings import load_settings

app = typer.Typer(help="The keys of tenants: what each is for, how long, and how much.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The key's id: its first 11 characters.", metavar="KEY")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
Scopes = Annotated[list[str], typer.Option("--scope", help=f"What the key is for: {', '.join(ALL_SCOPES)}; repeat it.")]


@app.command("add")
def add(
    tenant: Annotated[str, typer.Argument(help="The tenant's name.", metavar="TENANT")],
    label: Annotated[str, typer.Option(help="What the key is for, to tell it from others; not secret.")] = "",
    scope: Scopes = list(TENANT_SCOPES),  # noqa: B006 - typer copies it
    days: Annotated[int | None, typer.Option(help="Days until it expires; not set: never.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    images_per_day: Annotated[int | None, typer.Option(help="Images a day, in UTC.")] = None,
    images_per_month: Annotated[int | None, typer.Option(help="Images a month, in UTC.")] = None,
    examinations_per_day: Annotated[int | None, typer.Option(help="Examined files a day, in UTC.")] = None,
    examinations_per_month: Annotated[int | None, typer.Option(help="Examined files a month, in UTC.")] = None,
    as_json: Json = False,
) -> None:
    """Add a key to a tenant, shown only once. Its other keys go on working."""
    terms = _terms(
        label=label,
        scopes=scope,
        lifetime_days=days,
        requests_per_minute=requests_per_minute,
        images_per_day=images_per_day,
        images_per_month=images_per_month,
        examinations_per_day=examinations_per_day,
        examinations_per_month=examinations_per_month,
    )
    show(_keys().add(tenant, terms), as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Argument(help="Of this tenant alone.", metavar="[TENANT]")] = None,
    as_json: Json = False,
) -> None:
    """List keys, including those that have ended: what each is for, until when, and when it was used last."""
    keys = _keys().list(tenant)
    if as_json:
        for key in keys:
            print(json.dumps(asdict(key)))
        return
    table = Table()
    for heading in ("key", "tenant", "label", "state", "scopes", "expires", "last used", "limits"):
        table.add_column(heading, overflow="fold")
    for key in keys:
        table.add_row(*(Text(printable(cell)) for cell in _cells(key)))
    Console().print(table)


@app.command("rotate")
def rotate(
    key: Id,
    overlap_hours: Annotated[
        int, typer.Option(help="Hours that the old key still works, up to 720; 0: it ends now.")
    ] = 24,
    as_json: Json = False,
) -> None:
    """Replace a key by a new one, shown only once, with the same label, scopes, lifetime and limits."""
    if overlap_hours < 0:
        raise BadRequest("the overlap cannot be negative", hint="See `countermark tenants keys rotate --help`.")
    show(_keys().rotate(key, dt.timedelta(hours=min(overlap_hours, 10_000))), as_json)


@app.command("revoke")
def revoke(key: Id, as_json: Json = False) -> None:
    """End a key for good, now. Images being generated with it are cancelled."""
    _keys().revoke(key)
    print(json.dumps({"revoked": key}) if as_json else f"{key} is revoked.")


def show(made: Keyed, as_json: bool) -> None:
    """Print a new key on standard output, and what it is on standard error."""
    if as_json:
        print(json.dumps({**asdict(made), "id": made.id}))
        return
    print(made.key)
    told = f"A key of {made.name}, with the id {made.id}. It is shown only once."
    Console(stderr=True).print(told, markup=False, soft_wrap=True, highlight=False)


def _terms(**fields: Any) -> KeyTerms:
    """Raises BadRequest."""
    try:
        return KeyTerms(**fields)
    except ValidationError as wrong:
        faults = wrong.errors(include_input=False, include_url=False)
        raise BadRequest(first_fault(faults), hint="See `countermark tenants keys add --help`.") from None


def _cells(key: ApiKey) -> tuple[str, ...]:
    state = f"{key.state}, replaced by {key.replaced_by}" if key.replaced_by else key.state
    scopes = "all" if key.scopes == ALL_SCOPES else " ".join(key.scopes)
    limits = ", ".join(f"{most:,} {name.replace('_', ' ')}" for name, most in asdict(key.limits).items() if most)
    return key.id, key.tenant, key.label, state, scopes, key.expires_at or "", key.last_used_at or "", limits


def _keys() -> ApiKeys:
    return open_installation(load_settings()).api_keys
