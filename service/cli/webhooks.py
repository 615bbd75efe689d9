"""countermark webhooks."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.text import printable
from service.installation import open_installation
from service.jobs.webhooks import Webhooks
from service.kit.settings import load_settings

app = typer.Typer(help="Where tenants are told that their jobs have ended.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's name. Default: the installation itself.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


@app.command("set")
def set_webhook(
    url: Annotated[str, typer.Argument(help="An https address on the public internet.", metavar="URL")],
    tenant: Tenant = "",
    as_json: Json = False,
) -> None:
    """Tell a tenant of its jobs at an address. The secret that signs the messages is shown only once."""
    made = _webhooks().set(url, tenant)
    if as_json:
        print(json.dumps(asdict(made)))
        return
    print(made.secret)
    Console(stderr=True).print("The secret of this webhook. It is shown only once.", markup=False, soft_wrap=True)


@app.command("list")
def list_webhooks(as_json: Json = False) -> None:
    """List webhooks: tenants and addresses."""
    found = _webhooks().all()
    if as_json:
        for webhook in found:
            print(json.dumps(asdict(webhook)))
        return
    table = Table()
    for heading in ("tenant", "address", "since"):
        table.add_column(heading, overflow="fold")
    for webhook in found:
        cells = (webhook.tenant or "(installation)", webhook.url, webhook.created_at)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    Console().print(table)


@app.command("remove")
def remove(tenant: Tenant = "", as_json: Json = False) -> None:
    """Tell a tenant nothing any more. Messages that were not sent are dropped."""
    _webhooks().remove(tenant)
    print(json.dumps({"removed": tenant}) if as_json else "The webhook is removed.")


def _webhooks() -> Webhooks:
    return open_installation(load_settings()).webhooks
