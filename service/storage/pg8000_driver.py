"""What pg8000, PostgreSQL's driver, leaves to its user: connections that went silent, and the errors of sockets."""

import socket
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 30  # after which a server that acknowledges nothing is gone; by itself, TCP waits for hours
_POSTGRESQL_PORT = 5432
_ON_THE_WIRE = (
    "connect", "set_isolation_level", "do_ping", "do_begin", "do_execute", "do_executemany", "do_execute_no_params",
    "do_commit", "do_rollback",
)  # fmt: skip


def notice_silence(engine: Engine) -> None:
    """Make connections over TCP end where the server's machine is gone: nobody tells the client then. A query may take
    as long as it likes, since a machine that is there acknowledges the probes."""

    @event.listens_for(engine, "do_connect")
    def _(dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
        if "unix_sock" in parameters:
            return
        address = (parameters.get("host") or "localhost", int(parameters.get("port") or _POSTGRESQL_PORT))
        try:
            parameters["sock"] = _watched_socket(address)
        except OSError as fault:  # as the driver's own, so that it is handled like any other fault of the database
            raise dialect.loaded_dbapi.InterfaceError(
                f"cannot connect to {address[0]}:{address[1]}: {fault}"
            ) from fault


def wrap_socket_faults(engine: Engine) -> None:
    """Make a connection that is reset a fault of the driver, as one that is closed is. pg8000 lets the socket's own
    OSError through, which SQLAlchemy takes for no fault of the database."""
    dialect = engine.dialect
    for name in _ON_THE_WIRE:
        setattr(dialect, name, _wrapped(getattr(dialect, name), dialect.loaded_dbapi.InterfaceError))


def _wrapped(call: Callable[..., Any], fault: type[Exception]) -> Callable[..., Any]:
    def wrapped(*args: Any, **named: Any) -> Any:
        try:
            return call(*args, **named)
        except OSError as gone:
            raise fault("network error") from gone  # the words by which SQLAlchemy knows a lost connection

    return wrapped


def _watched_socket(address: tuple[str, int]) -> socket.socket:
    """A connected socket that fails after about half a minute of silence. Raises OSError."""
    opened = socket.create_connection(address, timeout=_CONNECT_SECONDS)
    opened.settimeout(None)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if option := getattr(socket, name, None):  # by other names, or not at all, on other systems than Linux
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
    if option := getattr(socket, "TCP_USER_TIMEOUT", None):
        opened.setsockopt(socket.IPPROTO_TCP, option, _SILENT_SECONDS * 1000)
    return opened
