"""countermark serve."""

import os
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from service.installation import Installation, open_installation
from service.kit import logs, tracing
from service.kit.addresses import is_loopback
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import Settings, forget_secrets, load_settings

if TYPE_CHECKING:
    from service.api.workers import Worker

_PATIENCE = 15.0  # seconds beyond the shutdown timeout until a worker is killed


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: COUNTERMARK_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. Default: COUNTERMARK_PORT.")
    ] = None,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Listen beyond this machine without a tenant: everybody orders as the operator."),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that serve, each with models and memory of its own.")
    ] = 1,
) -> None:
    """Serve the HTTP API, and pages for people at / (COUNTERMARK_PAGES=false: none).

    Loads every model first and does not start if one cannot be loaded, or files not be read.

    Without a tenant (`countermark tenants add`) it listens on this machine alone, unless --open is given.
    """
    from service.api.workers import Worker  # noqa: PLC0415 - the other commands do not need it

    settings = load_settings()
    host, port = settings.host if host is None else host, settings.port if port is None else port
    worker = Worker.from_environment()
    if workers > 1 and worker is None:
        raise typer.Exit(_supervise(settings, host, port, open_, workers))
    forget_secrets()
    logs.configure(settings.log_level)
    _serve(settings, host, port, open_, worker)


def _supervise(settings: Settings, host: str, port: int, open_: bool, workers: int) -> int:
    """Start workers with the same options and keep them running; the exit code."""
    from service.api.workers import Supervisor, command_of  # noqa: PLC0415 - see above

    console = Console(stderr=True)
    logs.configure(settings.log_level)
    options = ["serve", "--host", host, "--port", str(port), "--workers", str(workers), *(["--open"] if open_ else [])]
    supervisor = Supervisor(command_of(options), dict(os.environ), workers, settings.shutdown_timeout + _PATIENCE)
    return supervisor.serve(
        host, port, lambda at: console.print(f"{workers} workers serve on http://{host}:{at}", markup=False)
    )


def _serve(settings: Settings, host: str, port: int, open_: bool, worker: "Worker | None") -> None:
    from service.api import metrics, server, sharing  # noqa: PLC0415 - see above
    from service.api.dependencies import services_of  # noqa: PLC0415
    from service.web import create_app  # noqa: PLC0415

    if worker is not None:
        settings = _of_worker(settings, worker)
    tracing.configure(settings.traces_endpoint)
    with server.exit_on_sigterm(), closing(open_installation(settings)) as installation:
        _check_reach(installation, host, open_)
        installation.limits.parsers.start()
        _ = installation.classifier
        _load_gateway(installation)
        with metrics.served(installation, settings.metrics_host, settings.metrics_port):
            shared = worker.sharing() if worker else sharing.alone()
            app = create_app(installation, shared)
            if worker is not None:
                worker.say_ready()
            at = worker.socket() if worker else None
            on_exit = services_of(app).stopping.set
            server.serve(app, settings, host, port, on_exit, listening=at, counts=shared.counts)


def _of_worker(settings: Settings, worker: "Worker") -> Settings:
    """The settings of one of several workers: its part of the job workers, and a port of its own for metrics."""
    port = settings.metrics_port
    own = {"job_workers": worker.share(settings.job_workers), "metrics_port": port and port + worker.number}
    return settings.model_copy(update=own)


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
