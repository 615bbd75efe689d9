"""countermark serve."""

from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console

from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.errors import Unavailable
from service.kit.settings import load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: COUNTERMARK_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. Default: COUNTERMARK_PORT.")
    ] = None,
) -> None:
    """Serve the HTTP API. Loads every model first and does not start if one cannot be loaded, or files not be read."""
    import uvicorn  # noqa: PLC0415 - the other commands do not need it

    from service.api import create_app  # noqa: PLC0415

    settings = load_settings()
    logs.configure(settings.log_level)
    with closing(open_installation(settings)) as installation:
        installation.limits.parsers.start()
        _ = installation.classifier
        _load_gateway(installation)
        uvicorn.run(
            create_app(installation),
            host=settings.host if host is None else host,
            port=settings.port if port is None else port,
            log_level=settings.log_level,
            access_log=False,
            server_header=False,
        )


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
