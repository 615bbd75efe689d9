"""How often one address may give notice, appeal, enrol, or try a PIN: a token bucket for each, in this process.

Each number (of a case, a subject, an appeal) has a bucket, too: who has many addresses tries no more PINs of it.

Several processes allow several times as much; who needs one limit over all of them sets it in the proxy before them.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import respond
from service.kit.errors import TooMany

LIMITED = ("/v1/takedowns", "/v1/appeals", "/v1/consent/enrolments", "/v1/consent/subjects")
"""Where anybody may write, or try a PIN; and everything below."""

_MOST_ADDRESSES = 10_000
_IPV6_NETWORK = 64  # bits: what one subscriber has


class TokenBuckets:
    """A bucket of `per_minute` tokens for each key, filled evenly. Thread-safe; the longest unused are forgotten."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when there were so many

    def take(self, key: str) -> float:
        """Take a token: 0, or the seconds until there is one."""
        now = self._clock()
        with self._lock:
            tokens, since = self._kept.pop(key, (self._most, now))
            tokens = min(self._most, tokens + (now - since) * self._most / 60)
            wait = 0.0 if tokens >= 1 else (1 - tokens) * 60 / self._most
            self._kept[key] = (tokens if wait else tokens - 1, now)
            if len(self._kept) > _MOST_ADDRESSES:
                self._kept.popitem(last=False)
        return wait


class RateLimit:
    """Refuse requests of an address, or about a number, that came too often, before anything of them is read."""

    def __init__(self, app: ASGIApp, addresses: TokenBuckets, identifiers: TokenBuckets) -> None:
        self._app = app
        self._addresses = addresses
        self._identifiers = identifiers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (wait := self._wait(scope)):
            return await respond(TooMany(math.ceil(wait)), Request(scope))(scope, receive, send)
        return await self._app(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        identifier = _limited(scope)
        if identifier is None:
            return 0.0
        return self._addresses.take(caller(scope)) or (self._identifiers.take(identifier) if identifier else 0.0)


def caller(scope: Scope) -> str:
    """Whose bucket it is: the client's address, of IPv6 its network; the server unwraps what proxies forward."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # all of them lie in one network
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))


def _limited(scope: Scope) -> str | None:
    """The number that it is about, empty where it names none; None where the address is not limited."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    for start in LIMITED:
        if path == start or path.startswith(f"{start}/"):
            return str(path[len(start) + 1 :].partition("/")[0])
    return None
