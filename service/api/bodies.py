"""The bodies of requests: received in temporary files, and all of them together within a budget.

Whoever wants to fill the memory sends many large bodies and never finishes them. So a body is in memory only up to
SPOOL bytes while it arrives, and as a whole only once it is complete, if the budget still has room for it then.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import ParamSpec, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.kit.counts import Counts, LocalCounts
from service.kit.errors import Overloaded

P = ParamSpec("P")
T = TypeVar("T")

SPOOL = 1 << 16
"""Bytes of a body that is still arriving that are kept in memory; what comes after them goes to a temporary file."""

_CHUNK = 1 << 18
_FORM = b"multipart/form-data"


class Budget:
    """So many bytes for all requests together, of all workers. Thread-safe."""

    def __init__(self, most: int, of: str, counts: Counts | None = None, name: str = "body_memory") -> None:
        """`of`: what the bytes are, for the message of the refusal. `counts`, `name`: where they are counted."""
        self._most = most
        self._of = of
        self._counts = counts or LocalCounts()
        self._name = name
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes in use."""
        return self._counts.total(self._name)

    def take(self, size: int) -> None:
        """Raises Overloaded, and takes nothing, if there is no room for `size` more bytes."""
        with self._lock:
            if self.taken + size > self._most:
                raise Overloaded(f"too many {self._of} are being received")
            self._counts.add(self._name, size)

    def give_back(self, size: int) -> None:
        self._counts.add(self._name, -size)


@dataclass(slots=True)
class _Share:
    """What one request has taken of a budget."""

    budget: Budget
    size: int = 0

    def resize(self, size: int) -> None:
        """Take or give back so that it is `size`. Raises Overloaded."""
        if size > self.size:
            self.budget.take(size - self.size)
        else:
            self.budget.give_back(self.size - size)
        self.size = size


class ReceivedBodies:
    """Gives the application a body once all of it is there, and counts it until the request has been answered.

    An application that never asks for the body (since a key is missing, say) does not make it arrive.
    """

    def __init__(self, app: ASGIApp, memory: Budget, disk: Budget) -> None:
        self._app = app
        self._memory = memory
        self._disk = disk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        async with _Body(receive, _is_form(scope), _Share(self._memory), _Share(self._disk)).opened() as body:
            return await self._app(scope, body.receive, send)


class _Body:
    """The body of one request."""

    def __init__(self, receive: Receive, is_form: bool, memory: _Share, disk: _Share) -> None:
        self._receive = receive
        self._is_form = is_form
        self._memory = memory
        self._disk = disk
        self._file = SpooledTemporaryFile[bytes](max_size=SPOOL)  # in memory until something larger is written
        self._parts = self._messages()
        self._complete = False

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["_Body"]:
        """Gives everything back in the end, whatever happened."""
        try:
            yield self
        finally:
            self._file.close()
            self._memory.resize(0)
            self._disk.resize(0)

    async def receive(self) -> Message:
        """The next message for the application. Raises Overloaded, and whatever receiving raises."""
        async for message in self._parts:
            return message
        if self._complete:
            return await self._receive()  # returns once the client leaves
        return {"type": "http.disconnect"}

    async def _messages(self) -> AsyncGenerator[Message, None]:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):  # as most requests
            self._memory.resize(len(message.get("body", b"")))
            self._complete = True
            yield message
            return
        size = await self._spool(message)
        if size is None:
            return
        self._memory.resize(size)
        self._complete = True
        await self._in_thread(self._file.seek, 0)
        # A parser of forms copies what it reads. Everything else keeps it, so that one piece is one copy less.
        chunk = _CHUNK if self._is_form else max(size, 1)
        for start in range(0, max(size, 1), chunk):
            body = await self._in_thread(self._file.read, chunk)
            yield {"type": "http.request", "body": body, "more_body": start + chunk < size}

    async def _spool(self, message: Message) -> int | None:
        """Receive everything and return how many bytes, or None if the client left."""
        size = 0
        while message["type"] == "http.request":
            body = message.get("body", b"")
            size += len(body)
            self._memory.resize(min(size, SPOOL))
            self._disk.resize(size if size > SPOOL else 0)
            await self._in_thread(self._file.write, body)
            if not message.get("more_body"):
                return size
            message = await self._receive()
        return None

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work on the file: away from the event loop if it may wait for a disk."""
        if self._disk.size:
            return await asyncio.to_thread(work, *args, **kwargs)
        return work(*args, **kwargs)


def _is_form(scope: Scope) -> bool:
    return any(name == b"content-type" and value.lower().startswith(_FORM) for name, value in scope["headers"])
