"""The HTTP server: uvicorn with limits on connections, structured logs, and an end that no client can delay."""

import asyncio
import gc
import logging.config
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import structlog
import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from service.api.connection_limits import Allowance, ConnectionLimits
from service.api.connections import LARGEST_HEAD, Guard, protocol
from service.api.problems import respond
from service.kit.addresses import Networks
from service.kit.counts import Counts
from service.kit.errors import Overloaded, Unavailable
from service.kit.settings import Settings

log = structlog.get_logger()

_INITIAL_SECONDS = 20.0  # before a lowest rate is asked of a client
_CLOSING_SECONDS = 5.0  # for threads that still work and for the installation, once all requests have ended


def serve(
    app: ASGIApp,
    settings: Settings,
    host: str,
    port: int,
    on_exit: Callable[[], None] = lambda: None,
    *,
    listening: socket.socket | None = None,
    counts: Counts | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, and return. `on_exit` is called with the signal, before requests are waited for.

    `listening`, `counts`: the socket of a server with several workers, and where they count their connections.

    Requests in progress may end within `shutdown_timeout` and are refused then; their orders are cancelled. 5 s later
    the process ends in any case, even if a thread hangs. That loses nothing: an image leaves only once it is recorded.

    Raises:
        Unavailable: the address cannot be listened on.
    """
    logging.config.dictConfig(_log_config(settings.log_level))
    gc.collect()
    gc.freeze()  # models and modules stay; looking through them again would stop every thread for .2 s
    configured = configuration(app, settings, host, port, counts)
    server = Server(configured, settings.shutdown_timeout + _CLOSING_SECONDS, on_exit)
    try:
        server.run([listening] if listening else None)
    except KeyboardInterrupt:
        pass
    except SystemExit as stop:
        if stop.code == STARTUP_FAILURE:  # uvicorn has logged why
            raise Unavailable(f"the server could not listen on {host}:{port}", hint="Choose another port.") from None
        raise


def configuration(
    app: ASGIApp, settings: Settings, host: str, port: int, counts: Counts | None = None
) -> uvicorn.Config:
    """uvicorn's configuration for an application that `create_app` made. It leaves Python's logging as it is."""
    return uvicorn.Config(
        _Outermost(app),
        host=host,
        port=port,
        http=protocol(limits_of(settings), counts=counts),
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,  # the application logs requests itself
        server_header=False,
        proxy_headers=False,  # the same
        timeout_graceful_shutdown=settings.shutdown_timeout,  # type: ignore[arg-type] # asyncio takes fractions
    )


def limits_of(settings: Settings) -> ConnectionLimits:
    """The limits on connections that the settings ask for."""
    initial = min(_INITIAL_SECONDS, settings.body_timeout)
    transfer = Allowance(initial, settings.body_timeout, settings.min_rate)
    return ConnectionLimits(
        connections=settings.max_connections,
        per_address=settings.connections_per_address,
        head=Allowance(settings.header_timeout, settings.header_timeout),
        body=transfer,
        response=transfer,
        idle=settings.idle_timeout,
        trusted=Networks(settings.trusted_proxies),
    )


class Server(uvicorn.Server):
    """Ends the process `seconds` after the signal, however far its shutdown has come."""

    def __init__(self, config: uvicorn.Config, seconds: float, on_exit: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            timer = threading.Timer(self._seconds, _end_process, [sig])
            timer.daemon = True
            timer.start()
            self._on_exit()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        protocol_class = self.config.http_protocol_class
        if issubclass(protocol_class, Guard):
            protocol_class.stop(asyncio.get_running_loop().time())
        await super().shutdown(sockets)


def _end_process(sig: int) -> NoReturn:
    log.warning("shutdown_forced")
    sys.stderr.flush()
    os._exit(128 + sig)


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """SIGTERM raises SystemExit(0) inside, also when uvicorn raises the signal again after its shutdown.

    By default it would end the process before the installation is closed; and in a container, where the process is
    the first, it would be ignored while the models load.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(*_: object) -> NoReturn:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Outermost:
    """Around the application: refuses what the shutdown cancels, and keeps exceptions that are logged already from
    uvicorn, which would log them once more with their messages.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not begun:
                await respond(Overloaded("the server is shutting down"), Request(scope))(scope, receive, send)
        except Exception:
            if not begun:
                raise


class OneLine(logging.Formatter):
    """A record of Python's logging as one JSON object, like the lines of structlog.

    Of an exception it has the type and the place, never the message, which may hold a part of a prompt.
    """

    _render = structlog.processors.JSONRenderer()
    _stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {"event": record.getMessage().partition("\n")[0], "level": record.levelname.lower()}
        if record.exc_info and (fault := record.exc_info[1]) is not None:
            event |= {"error": type(fault).__name__, "at": _place(fault)}
        return str(self._render(None, "", dict(self._stamp(None, "", event))))


class _NotInvalidRequest(logging.Filter):
    """Drops uvicorn's line about a request that it cannot parse: the connection logs that request itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Invalid HTTP request")


def _place(fault: BaseException) -> str:
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "-"


def _log_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything that Python's logging gets, one line each, on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"one_line": {"()": OneLine}},
        "filters": {"logged_as_request": {"()": _NotInvalidRequest}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "one_line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"uvicorn": {"level": level.upper()}, "uvicorn.error": {"filters": ["logged_as_request"]}},
    }
