"""countermark tenants."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.access.api_keys import KeyTerms
from service.access.scopes import TENANT_SCOPES
from service.access.tenants import Tenants, Terms
from service.cli import tenant_keys
from service.cli.tenant_keys import Scopes
from service.cli.text import printable
from service.installation import open_installation
from service.kit.errors import BadRequest, first_fault
from service.kit.settings import load_settings

app = typer.Typer(help="Clients with their own keys and limits.", no_args_is_help=True)
app.add_typer(tenant_keys.app, name="keys")

Name = Annotated[str, typer.Argument(help="The tenant's name, also in grants.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


@app.command("add")
def add(
    name: Name,
    safety_threshold: Annotated[
        float | None, typer.Option(help="Refuse images from this score; cannot be more permissive than the setting.")
    ] = None,
    likeness_review_distance: Annotated[
        float | None, typer.Option(help="Hold faces up to this distance; cannot be less than the setting.")
    ] = None,
    max_images: Annotated[int | None, typer.Option(help="Largest number of images per request.")] = None,
    scope: Scopes = list(TENANT_SCOPES),  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Add a tenant. Its key is shown only once. Once there is a tenant, every order over HTTP needs a key."""
    try:
        terms = Terms(
            name=name,
            safety_threshold=safety_threshold,
            likeness_review_distance=likeness_review_distance,
            max_images=max_images,
        )
        key_terms = KeyTerms.model_validate({"scopes": scope})
    except ValidationError as wrong:
        faults = wrong.errors(include_input=False, include_url=False)
        raise BadRequest(first_fault(faults), hint="See `countermark tenants add --help`.") from None
    tenant_keys.show(_tenants().add(terms, key_terms), as_json)


@app.command("list")
def list_tenants(as_json: Json = False) -> None:
    """List tenants, including removed ones: names, newest keys, limits. `tenants keys list` lists every key."""
    tenants = _tenants().everybody()
    if as_json:
        for tenant in tenants:
            print(json.dumps(asdict(tenant)))
        return
    table = Table()
    for heading in ("tenant", "newest key", "keys", "created", "rotated", "removed", "safety", "review", "images"):
        table.add_column(heading, overflow="fold")
    for tenant in tenants:
        key = "none" if tenant.removed_at else f"{tenant.prefix}..."
        limits = (tenant.safety_threshold, tenant.likeness_review_distance, tenant.max_images)
        cells = (tenant.name, key, tenant.keys, tenant.created_at, tenant.rotated_at, tenant.removed_at, *limits)
        table.add_row(*(Text(printable("" if cell is None else str(cell))) for cell in cells))
    Console().print(table)


@app.command("rotate")
def rotate(name: Name, as_json: Json = False) -> None:
    """Give a tenant with one key a new one, shown only once. The old key and images being generated under it are
    cancelled. To let both work for a while, use `tenants keys rotate`."""
    tenant_keys.show(_tenants().rotate(name), as_json)


@app.command("remove")
def remove(name: Name, as_json: Json = False) -> None:
    """Remove a tenant for good. Its name cannot be reused, because grants refer to it."""
    _tenants().remove(name)
    print(json.dumps({"removed": name}) if as_json else f"{name} is removed.")


def _tenants() -> Tenants:
    return open_installation(load_settings()).tenants
