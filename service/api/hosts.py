"""Which host names clients may use for the server.

Without this check, a web page could point a name of its own at 127.0.0.1 (DNS rebinding) and have a visitor's browser
talk to a server there, which takes it for one of its own pages.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import respond
from service.kit.errors import UnknownHost

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class AllowedHosts:
    """Refuse requests whose Host header names another host than `allowed`, a loopback name or the address they came to.

    That address cannot be what a page has rebound: a page's own name is in the header then. In `allowed`,
    `*.example.com` is every name below example.com, and `*` is any host.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._any = "*" in allowed
        self._names = {*LOOPBACK, *(_name(host) for host in allowed if not host.startswith("*"))}
        self._suffixes = tuple(host[1:].lower() for host in allowed if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._any or self._allows(scope):
            return await self._app(scope, receive, send)
        refusal = UnknownHost("the request names a host that is not allowed here")
        return await respond(refusal, Request(scope))(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return False
        name = _name(hosts[0])
        return name in self._names or name.endswith(self._suffixes) or name == _server(scope)


def _server(scope: Scope) -> str | None:
    """The address that the connection came to, as uvicorn reads it from the socket."""
    server = scope.get("server")
    return str(server[0]).lower() if server else None


def _name(host: str) -> str:
    """The host without its port, brackets and final dot, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return (host if host.count(":") > 1 else host.partition(":")[0]).removesuffix(".")
