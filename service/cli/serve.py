"""countermark serve."""

from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console

from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.addresses import is_loopback
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import forget_secrets, load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: COUNTERMARK_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. Default: COUNTERMARK_PORT.")
    ] = None,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Listen beyond this machine without a tenant: everybody orders as the operator."),
    ] = False,
) -> None:
    """Serve the HTTP API, and pages for people at / (COUNTERMARK_PAGES=false: none).

    Loads every model first and does not start if one cannot be loaded, or files not be read.

    Without a tenant (`countermark tenants add`) it listens on this machine alone, unless --open is given.
    """
    from service.api import metrics, server  # noqa: PLC0415 - the other commands do not need it
    from service.api.dependencies import services_of  # noqa: PLC0415
    from service.web import create_app  # noqa: PLC0415

    settings = load_settings()
    forget_secrets()
    logs.configure(settings.log_level)
    host = settings.host if host is None else host
    with server.exit_on_sigterm(), closing(open_installation(settings)) as installation:
        _check_reach(installation, host, open_)
        installation.limits.parsers.start()
        _ = installation.classifier
        _load_gateway(installation)
        with metrics.served(installation, settings.metrics_host, settings.metrics_port):
            app = create_app(installation)
            on_exit = services_of(app).stopping.set
            server.serve(app, settings, host, settings.port if port is None else port, on_exit)


def _check_reach(installation: Installation, host: str, open_: bool) -> None:
    """Raises Misconfigured if strangers could order as the operator, and the operator has not said that they may."""
    if is_loopback(host) or installation.orders_need_key():
        return
    if not open_:
        raise Misconfigured(
            f"on {host}, everybody who reaches this server could order images as the operator: there is no tenant",
            hint="Add one (`countermark tenants add NAME`), listen on 127.0.0.1, or allow it with --open.",
        )
    Console(stderr=True).print(f"Open: everybody who reaches {host} orders images as the operator", markup=False)


def _load_gateway(installation: Installation) -> None:
    """Load the gateway. Without torch, only the examiner is served; anything else that fails stops the start."""
    console = Console(stderr=True)
    try:
        with console.status("Loading the models"):
            gateway = installation.gateway
    except Unavailable as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        console.print(f"Examiner only: {error.message}. {error.hint}", markup=False)
        return
    console.print(f"Gateway ready with {gateway.backend.identity.name}", markup=False)
