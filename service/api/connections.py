"""The connections of the server: how long a client may take to send and to read, and what happens to those over it.

uvicorn waits for a client without limit, and middleware runs only once the headers are there. So the limits are in
its protocol classes, as in Apache's mod_reqtimeout: each part of an exchange has a time, every byte that arrives
extends it, and no number of bytes extends it beyond the longest time.

    from the first byte (of a new connection: from the start) until the headers are complete   `head`
    from there until the body is complete, whether or not the application still reads it       `body`
    while a response waits because the client does not read it                                 `response`
    between two requests                                                                       `idle`

While the application works nothing runs: it has time limits of its own.
"""

import asyncio
import uuid
from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.api.connection_limits import Admission, ConnectionLimits
from service.api.problems import MEDIA_TYPE, headers_of, problem_of
from service.api.response_headers import SECURITY_HEADERS
from service.kit.counts import Counts
from service.kit.errors import BadRequest, Error, HeadTooLarge, RequestTimeout

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
else:
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:  # an extra of uvicorn
        HttpToolsProtocol = None

log = structlog.get_logger()

LARGEST_HEAD = 1 << 16
"""Bytes of a request line with its headers. h11 has a lower limit of its own, httptools none."""

_LINGER_SECONDS = 2.0  # for the last bytes of a response to a client that does not read them
_SHUTDOWN_SECONDS = 5.0  # for requests that are still arriving when the server stops
_NEVER = float("inf")


class Waiting(Enum):
    """What the server waits for."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    APPLICATION = auto()


def answer(error: Error) -> tuple[str, bytes]:
    """A whole HTTP/1.1 response for an error, after which the connection is closed, and its request id."""
    request_id = uuid.uuid4().hex
    body = problem_of(error, request_id).model_dump_json(exclude={"appeal"}).encode()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        "X-Request-Id": request_id,
        **SECURITY_HEADERS,
        **headers_of(error),
    }
    head = f"HTTP/1.1 {error.status} {type(error).__name__}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    return request_id, head.encode() + b"\r\n" + body


class Guard(asyncio.Protocol, ABC):
    """Mixed into a protocol class of uvicorn, before it: times what the client does, and closes what takes too long."""

    limits: ConnectionLimits
    admission: Admission
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    cycle: Any

    _address: str | None = None  # once the connection is counted
    _closing = False
    _timer: asyncio.TimerHandle | None = None
    _latest = _NEVER  # no request arrives later than this: the server stops
    _waiting = Waiting.HEAD
    _since = 0.0  # when the present wait began
    _arrived = 0  # bytes since then
    _stuck = False  # more of the response waits than uvicorn holds in memory
    _stuck_since: float | None = None  # since the client was first too slow to read the present response
    _stuck_bytes = 0  # what waited each time

    # What the transport and uvicorn call.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = _address_of(transport)
        if refusal := self.admission.enter(address):
            self.transport = transport  # type: ignore[assignment]
            self._end(refusal)
            return
        self._address = address
        super().connection_made(transport)
        self._wait_for(Waiting.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._address is None:
            self.admission.linger(-1)
            return
        self.admission.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._waiting is Waiting.IDLE:
            self._wait_for(Waiting.HEAD)
        self._arrived += len(data)
        super().data_received(data)
        self._look()
        if self._waiting is Waiting.HEAD and self._arrived > LARGEST_HEAD and not self.transport.is_closing():
            self._end(_head_too_large())

    def send_400_response(self, msg: str) -> None:
        """The parser does not understand the request. Called by uvicorn instead of its own answer, which is text."""
        too_large = self._waiting is Waiting.HEAD and self._arrived > LARGEST_HEAD
        self._end(_head_too_large() if too_large else BadRequest("the request is not valid HTTP"))

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]
        if self.transport.get_write_buffer_size():
            self._response_waits()
        self._look()

    def pause_writing(self) -> None:
        if self._address is None:
            return
        super().pause_writing()
        self._stuck = True
        self._response_waits()

    def resume_writing(self) -> None:
        if self._address is None:
            return
        super().resume_writing()
        self._stuck = False
        self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """uvicorn's own timer does nothing: IDLE is timed here, also where uvicorn starts no timer."""

    def shutdown(self) -> None:
        """The server stops: requests that are still arriving get little time, and idle connections none."""
        if self._closing:
            return
        self._latest = self.loop.time() + _SHUTDOWN_SECONDS
        super().shutdown()  # type: ignore[misc]
        self._watch()

    @classmethod
    def stop(cls, now: float) -> None:
        """The same for connections that are accepted from now on, which uvicorn does not tell."""
        cls._latest = now + _SHUTDOWN_SECONDS

    # Of the parser, in the subclasses.

    @abstractmethod
    def _receiving(self) -> Waiting:
        """What the parser expects: the HEAD of a request, its BODY, or nothing while the APPLICATION works."""

    @abstractmethod
    def _has_begun(self) -> bool:
        """Whether a part of the next request is there already."""

    # Waiting.

    @property
    def _answered(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _look(self) -> None:
        """Begin the next wait if the parser or the application has gone on."""
        if self.transport.is_closing():
            return
        receiving = self._receiving()
        if receiving is Waiting.HEAD:
            if self._waiting in (Waiting.HEAD, Waiting.IDLE):
                return
            receiving = Waiting.HEAD if self._has_begun() else Waiting.IDLE
        if receiving is not self._waiting:
            self._wait_for(receiving)

    def _wait_for(self, what: Waiting) -> None:
        self._waiting, self._since, self._arrived = what, self.loop.time(), 0
        if what in (Waiting.BODY, Waiting.APPLICATION) and not self.transport.get_write_buffer_size():
            self._stuck_since, self._stuck_bytes = None, 0  # the next response begins
        self._watch()

    def _response_waits(self) -> None:
        if self._stuck_since is None:
            self._stuck_since = self.loop.time()
        self._stuck_bytes += self.transport.get_write_buffer_size()
        self._watch()

    def _unread(self) -> bool:
        """Whether the client has to read before anything else happens."""
        return self._stuck or (self._answered and self.transport.get_write_buffer_size() > 0)

    def _deadline(self) -> float:
        """When the present wait is over, in the loop's time."""
        ends = _NEVER
        if self._waiting is Waiting.HEAD:
            ends = min(self._latest, self._since + self.limits.head.seconds(self._arrived))
        elif self._waiting is Waiting.BODY:
            ends = min(self._latest, self._since + self.limits.body.seconds(self._arrived))
        elif self._waiting is Waiting.IDLE and not self._unread():
            ends = self._since + self.limits.idle
        if self._stuck_since is not None and self._unread():
            ends = min(ends, self._stuck_since + self.limits.response.seconds(self._stuck_bytes))
        return ends

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._deadline()) != _NEVER:
            self._timer = self.loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._deadline() > self.loop.time():  # bytes came or went meanwhile
            self._watch()
        elif self._unread():
            self.transport.abort()  # a client that does not read cannot be told anything
        elif self._waiting is Waiting.HEAD and self._arrived:
            self._end(RequestTimeout("the headers of the request did not arrive in time"))
        elif self._waiting is Waiting.BODY and not self._answered:
            self._end(RequestTimeout("the body of the request did not arrive in time"))
        else:
            self._close()

    def _end(self, error: Error) -> None:
        """Answer with an error unless a response has begun, and close. The application hears that its client left."""
        in_progress = not self._answered
        if in_progress:
            self.cycle.scope.setdefault("state", {})["ended_with"] = error.status
        if not in_progress or not self.cycle.response_started:
            request_id, response = answer(error)
            self.transport.write(response)
            if not in_progress and self._address is not None:
                log.info("request", request_id=request_id, method="-", path="-", status=error.status)
        if in_progress:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._close()

    def _close(self) -> None:
        """Close, but let the client read what was sent: a socket that is closed with unread bytes in it resets."""
        self._closing = True
        if self._address is None and not self.admission.linger(1):
            self.transport.close()
            return
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(f"the headers have more than {LARGEST_HEAD:,} bytes")


def _address_of(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, (tuple, list)) and peer else ""


class GuardedH11(Guard, H11Protocol):
    """uvicorn's protocol over h11, with the limits."""

    def _receiving(self) -> Waiting:
        if self.conn.their_state is h11.IDLE:
            return Waiting.HEAD
        return Waiting.BODY if self.conn.their_state is h11.SEND_BODY else Waiting.APPLICATION

    def _has_begun(self) -> bool:
        return bool(self.conn.trailing_data[0])


if HttpToolsProtocol is not None:

    class GuardedHttpTools(Guard, HttpToolsProtocol):
        """uvicorn's protocol over httptools, with the limits."""

        _parsing = Waiting.IDLE

        def on_message_begin(self) -> None:
            self._parsing = Waiting.HEAD
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._parsing = Waiting.BODY
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._parsing = Waiting.IDLE
            super().on_message_complete()

        def _receiving(self) -> Waiting:
            if self._parsing is Waiting.IDLE:
                return Waiting.HEAD if self._answered else Waiting.APPLICATION
            return self._parsing

        def _has_begun(self) -> bool:
            return self._parsing is Waiting.HEAD


def protocol(limits: ConnectionLimits, parser: str = "auto", counts: Counts | None = None) -> type[asyncio.Protocol]:
    """uvicorn's protocol class with these limits, for one server. `parser`: `h11`, `httptools`, or `auto`.

    `counts`: where its workers count their connections.
    """
    httptools = parser == "httptools" or (parser == "auto" and HttpToolsProtocol is not None)
    base = GuardedHttpTools if httptools else GuardedH11
    own = {"__module__": __name__, "limits": limits, "admission": Admission(limits, counts)}
    return type(base.__name__, (base,), own)
