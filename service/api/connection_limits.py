"""How many connections there may be, from one address and in all, and how long clients may take."""

import time
from dataclasses import dataclass

import structlog

from service.kit.addresses import Networks, client_key
from service.kit.counts import Counts, LocalCounts
from service.kit.errors import Overloaded

log = structlog.get_logger()

_OPEN = "connections"
_LOG_EVERY_SECONDS = 10.0
_MOST_LINGERING = 100  # refused connections that get time to read why


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a client may take: `initial` seconds, one more for each `rate` bytes, at most `longest`."""

    initial: float
    longest: float
    rate: int = 0

    def seconds(self, arrived: int) -> float:
        """The time for what has arrived so far, in bytes."""
        if not self.rate:
            return self.longest
        return min(self.longest, self.initial + arrived / self.rate)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What clients may take of the server."""

    connections: int
    """Open at once."""
    per_address: int
    """Open at once from one address (IPv6: one /64 network). 0: any number."""
    head: Allowance
    body: Allowance
    response: Allowance
    idle: float
    """Seconds between two requests."""
    trusted: Networks
    """Proxies: the limit for one address does not hold for them, since everybody's requests come from there."""


class Admission:
    """Counts the open connections of one server, in all its workers. Use it from one event loop."""

    def __init__(self, limits: ConnectionLimits, counts: Counts | None = None) -> None:
        self._limits = limits
        self._counts = counts or LocalCounts()
        self._lingering = 0
        self._refused = 0
        self._logged = -_LOG_EVERY_SECONDS

    def enter(self, address: str) -> Overloaded | None:
        """Count a connection from `address`, or return why it is refused and count nothing."""
        key = client_key(address)
        most = self._limits.per_address
        if self._counts.total(_OPEN) >= self._limits.connections:
            return self._refuse("too many connections are open")
        if most and self._counts.total(_address(key)) >= most and address not in self._limits.trusted:
            return self._refuse("too many connections are open from this address")
        self._counts.add(_OPEN, 1)
        self._counts.add(_address(key), 1)
        return None

    def leave(self, address: str) -> None:
        """A connection that was counted is closed."""
        self._counts.add(_OPEN, -1)
        self._counts.add(_address(client_key(address)), -1)

    def linger(self, change: int) -> bool:
        """Count refused connections that are not closed yet. False: there are too many of them, close this one now."""
        self._lingering += change
        return self._lingering <= _MOST_LINGERING

    def _refuse(self, why: str) -> Overloaded:
        """One line in the log for many refusals, so that a flood of connections is none of lines."""
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY_SECONDS:
            log.warning("connections_refused", connections=self._refused, open=self._counts.total(_OPEN))
            self._refused, self._logged = 0, now
        return Overloaded(why)


def _address(key: str) -> str:
    return f"address {key}"
