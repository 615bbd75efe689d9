"""Attacks on the server itself: clients that are slow, many, greedy or gone, forged headers, a stop that never ends.

    python benchmarks/attacks.py --only front_door

Starts a server with the default settings in a process of its own and attacks its socket; takes about a minute. Each
function returns rows (name, before, after, held): `before` is what version 0.1 did. Linux.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.attack_rows import Row

ROOT = Path(__file__).resolve().parents[2]
MB = 1 << 20
START = """
import sys
sys.path.insert(0, sys.argv[1])
from contextlib import closing
from pathlib import Path
from service.api import create_app, server
from service.installation import open_installation
from service.kit.settings import Settings

settings = Settings(home=Path(sys.argv[2]), threads=1)
with server.exit_on_sigterm(), closing(open_installation(settings)) as installation:
    server.serve(create_app(installation), settings, "127.0.0.1", int(sys.argv[3]))
"""


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def rss(self) -> int:
        """Bytes of memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def connect(self, first: bytes = b"") -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), 60)
        client.sendall(first)
        return client

    def ask(self, path: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> tuple[int, float]:
        """Status and seconds of a request."""
        begun = time.perf_counter()
        address = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(address, data, headers or {}), timeout=60) as response:
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        return status, time.perf_counter() - begun

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@contextmanager
def served() -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", START, ROOT, Path(folder, "home"), str(port)], stderr=stderr, cwd=ROOT
            )
        server = Served(process, port, log)
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    server.ask("/healthz")
                    break
                time.sleep(0.1)
            yield server
        finally:
            process.kill()
            process.wait()


def slow_clients() -> list[Row]:
    """400 connections that send a byte of a header, or of a body, each second."""
    rows = []
    body = b"POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n"
    for name, first in (("headers", b"GET / HTTP/1.1\r\nX: "), ("bodies", body)):
        with served() as server:
            clients = [server.connect(first) for _ in range(400)]
            seconds, slowest = drip(server, clients, until=70)
            left = f"{len(clients)} open" if clients else "all gone"
            rows.append(
                Row(
                    f"400 connections that drip {name}",
                    "400 open after 70 s",
                    f"{left} after {seconds:.0f} s; `/healthz` at most {slowest * 1000:.0f} ms meanwhile",
                    not clients and seconds < 30,
                )
            )
    return rows


def drip(server: Served, clients: list[socket.socket], until: float) -> tuple[float, float]:
    """Drip until the server has closed all, which leave the list. Returns seconds, and the slowest health check."""
    begun, slowest = time.perf_counter(), 0.0
    while clients and time.perf_counter() - begun < until:
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(b"x")
        slowest = max(slowest, server.ask("/healthz")[1])
        time.sleep(1)
        for client in closed(clients):
            client.close()
            clients.remove(client)
    return time.perf_counter() - begun, slowest


def closed(clients: Sequence[socket.socket]) -> list[socket.socket]:
    """Those that the server has closed."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select(0)]
    return [client for client in ready if isinstance(client, socket.socket) and _ended(client)]


def _ended(client: socket.socket) -> bool:
    try:
        while client.recv(65536):
            pass
    except OSError:
        pass
    return True


def unfinished_bodies() -> list[Row]:
    """60 uploads of 30 MB whose last byte does not come."""
    head = b"POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (30 * MB)
    with served() as server:
        before = server.rss
        clients = []
        for _ in range(60):
            clients.append(server.connect(head))
            with contextlib.suppress(OSError):  # refused: the budget is used up
                for _ in range(30):
                    clients[-1].sendall(bytes(MB - 1))
        time.sleep(2)
        more, (_, seconds) = server.rss - before, server.ask("/healthz")
        for client in clients:
            client.close()
    return [
        Row(
            "60 unfinished bodies of 30 MB",
            "+1.7 GB",
            f"+{more / MB:.0f} MB; `/healthz` {seconds * 1000:.0f} ms",
            more < 300 * MB,
        )
    ]


def stop() -> list[Row]:
    """SIGTERM while a client sends a byte of a body each half second."""
    with served() as server:
        client = server.connect(b"POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        begun = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        while server.process.poll() is None and time.perf_counter() - begun < 60:
            with contextlib.suppress(OSError):
                client.sendall(b"x")
            time.sleep(0.5)
        seconds, code = time.perf_counter() - begun, server.process.returncode
        client.close()
    return [Row("SIGTERM during a slow upload", "over 45 s", f"{seconds:.0f} s, exit code {code}", seconds < 30)]


def _is_of_a_client(line: dict[str, Any]) -> bool:
    """Whether a line of the log is about a request, but a probe's, or about a fault; a start has lines of its own."""
    request = "status" in line and line.get("path") not in ("/healthz", "/readyz")
    return request or line["level"] != "info"


def hang_up() -> list[Row]:
    """A client that leaves in the middle of an upload."""
    with served() as server:
        server.connect(b"POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx").close()
        time.sleep(2)
        lines = [line for line in map(json.loads, server.lines()) if _is_of_a_client(line)]
    statuses = [(line.get("status"), line["level"]) for line in lines]
    after = f"{len(lines)} line, {statuses}"
    return [Row("hanging up during an upload", "79 lines, as a bug", after, statuses == [(499, "info")])]


def forged_headers() -> list[Row]:
    """A forwarded address for each request from loopback, and the Host of a page that was rebound to this machine."""
    with served() as server:
        begun = time.perf_counter()
        codes = [
            server.ask(f"/v1/appeals/A-{number}", {"X-Forwarded-For": f"192.0.2.{number}"})[0] for number in range(90)
        ]
        allowed = 60 + time.perf_counter() - begun  # a minute's, and one for each second that this took
        host, _ = server.ask("/healthz", {"Host": "evil.example"})
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/docs", timeout=60) as page:
            missing = {"x-content-type-options", "content-security-policy"} - {name.lower() for name in page.headers}
    limited = codes.count(429)
    return [
        Row("90 requests with rotated X-Forwarded-For", "0 limited", f"{limited} limited", limited >= 88 - allowed),
        Row("a foreign Host header", "200", str(host), host == 421),
        Row("`/docs` without nosniff or CSP", "both missing", f"{len(missing)} missing", not missing),
    ]


def strangers() -> list[Row]:
    """Listening on all addresses without a tenant."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "service", "serve", "--host", "0.0.0.0", "--port", "0"],
            env={**os.environ, "COUNTERMARK_HOME": home},
            cwd=ROOT,
            capture_output=True,
            timeout=120,
            check=False,
        )
    after = f"exit code {done.returncode}"
    return [Row("0.0.0.0 without a tenant", "everybody orders as the operator", after, done.returncode == 2)]


ATTACKS: tuple[Callable[[], list[Row]], ...] = (
    slow_clients,
    unfinished_bodies,
    stop,
    hang_up,
    forged_headers,
    strangers,
)
