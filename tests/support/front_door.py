"""The server as `countermark serve` runs it, in a thread of this process, and clients that speak to its socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from service.api import server as module
from service.api.connection_limits import Allowance, ConnectionLimits
from service.api.connections import protocol
from service.kit.addresses import Networks
from service.kit.settings import Settings
from tests.support import waiting

LIMITS = ConnectionLimits(
    connections=100,
    per_address=0,
    head=Allowance(0.4, 0.4),
    body=Allowance(initial=0.4, longest=30, rate=1000),
    response=Allowance(initial=0.4, longest=30, rate=4 << 20),
    idle=0.4,
    trusted=Networks(),
)
"""Short deadlines, and no limit on connections that a test could meet by accident."""


@dataclass(frozen=True)
class Door:
    """A server that listens."""

    server: uvicorn.Server
    port: int

    @property
    def connections(self) -> int:
        """How many uvicorn knows: those that were not refused at once."""
        return len(self.server.server_state.connections)

    def connect(self, first: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
        """A connection on which `first` was sent."""
        client = socket.create_connection(("127.0.0.1", self.port), waiting.LONGEST, source_address=(source, 0))
        client.sendall(first)
        return client


class _Server(module.Server, waiting.ListeningServer):
    """Ready once it listens; in a thread it gets no signals, so it ends nobody's process."""


@contextmanager
def opened(app: ASGIApp, settings: Settings, limits: ConnectionLimits = LIMITS, parser: str = "auto") -> Iterator[Door]:
    """A server of `app` until the block ends."""
    config = module.configuration(app, settings, "127.0.0.1", 0)
    config.http, config.log_level = protocol(limits, parser), "critical"
    server = _Server(config, waiting.LONGEST)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(waiting.LONGEST)
    try:
        yield Door(server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def all_of(client: socket.socket) -> bytes:
    """What the server sends until it closes the connection. Closes the client, too."""
    received = b""
    with client:
        try:
            while data := client.recv(1 << 16):
                received += data
        except ConnectionError:
            pass
    return received


def request(path: str = "/", body: bytes | None = None, length: int | None = None, headers: str = "") -> bytes:
    """A request, of which `length` bytes of body are announced."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
    announced = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n{headers}\r\n"
    return head.encode() + body
