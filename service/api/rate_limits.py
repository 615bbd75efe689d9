"""Rate limits on filing notices, appeals and feedback and on enrolling: token buckets.

Each client address has a bucket, and so has each appeal. They are those of this process, or of all workers of one
server (`service.api.shared_buckets`). For one limit over several machines, set it in the proxy in front. The limits of
keys are counted in the database (`service.access.usage`).
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.buckets import Bucket
from service.api.problems import respond
from service.kit.addresses import client_key
from service.kit.errors import TooMany

LIMITED = (
    "/v1/takedowns",
    "/v1/appeals",
    "/v1/feedback",
    "/v1/consent/enrolments",
    "/appeal",
    "/operator/sign-in",
)
"""Path prefixes where anybody may write, or try a key that opens much."""

PIN_CHECKED = ("/v1/takedowns/", "/v1/consent/subjects/")
"""Path prefixes that need a PIN. `service.access.pin_attempts` limits them, after the PIN was checked: a bucket before
that would let others use up the tries of whoever has the right one."""

_MOST_ADDRESSES = 10_000


class Buckets(Protocol):
    """A bucket of tokens for each key."""

    def take(self, key: str, amount: int = 1) -> float:
        """Take so many tokens and return 0, or return the seconds until there are as many."""


class TokenBuckets:
    """A bucket of `most` tokens for each key, refilled evenly. Thread-safe. Drops the least recently used."""

    def __init__(
        self, per_minute: float, clock: Callable[[], float] = time.monotonic, *, most: float | None = None
    ) -> None:
        """`most`: by default those of a minute. With 0 tokens a minute there is no limit."""
        self._most = float(per_minute if most is None else most)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str, amount: int = 1) -> float:
        """Take so many tokens and return 0, or return the seconds until there are as many."""
        if not self._per_second:
            return 0.0
        now = self._clock()
        with self._lock:
            bucket = self._kept.pop(key, Bucket(self._most, now)).at(now, self._per_second, self._most)
            self._kept[key], wait = bucket.take(amount, self._per_second)
            if len(self._kept) > _MOST_ADDRESSES:
                self._kept.popitem(last=False)
        return wait


class RateLimit:
    """Refuse requests that come too often, from an address or about an identifier, before reading their body."""

    def __init__(self, app: ASGIApp, addresses: Buckets, identifiers: Buckets) -> None:
        self._app = app
        self._addresses = addresses
        self._identifiers = identifiers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (wait := self._wait(scope)):
            return await respond(TooMany(math.ceil(wait)), Request(scope))(scope, receive, send)
        return await self._app(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        identifier = _identifier(str(scope["path"]).removeprefix(scope.get("root_path", "")))
        if identifier is None:
            return 0.0
        return self._addresses.take(caller(scope)) or (self._identifiers.take(identifier) if identifier else 0.0)


def caller(scope: Scope) -> str:
    """The key of the caller's bucket. Behind a trusted proxy, the client is already the forwarded one."""
    return client_key((scope.get("client") or ("", 0))[0])


def is_limited(path: str) -> bool:
    """Whether requests for a path are limited."""
    return _identifier(path) is not None


def _identifier(path: str) -> str | None:
    """What a limited path names (a case, a subject, ...), empty if nothing. None: the path is not limited."""
    if path.startswith(PIN_CHECKED):
        return None
    for prefix in LIMITED:
        if path == prefix or path.startswith(f"{prefix}/"):
            return path[len(prefix) + 1 :].partition("/")[0]
    return None
