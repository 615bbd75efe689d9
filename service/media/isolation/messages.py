"""Messages between the pool and a worker: JSON behind its length, within a deadline.

JSON and not pickle: what a worker answers is as untrusted as the file it read.
"""

import json
import socket
import struct
import time
from typing import Any

LARGEST = 64 << 20
"""Bytes of the largest message."""

_LENGTH = struct.Struct("<I")


class Closed(Exception):
    """The other side is gone, or does not keep to the protocol."""


def send(channel: socket.socket, message: dict[str, Any], deadline: float | None = None) -> None:
    """Send one message. `deadline`: on `time.monotonic`; None waits.

    Raises:
        TimeoutError: it was not taken in time.
        Closed: the other side is gone.
        ValueError: the message is larger than `LARGEST`.
    """
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST:
        raise ValueError(f"a message of {len(body):,} bytes")
    try:
        _limit(channel, deadline)
        channel.sendall(_LENGTH.pack(len(body)) + body)
    except TimeoutError:
        raise
    except OSError as gone:
        raise Closed("the other side is gone") from gone


def receive(channel: socket.socket, deadline: float | None = None) -> dict[str, Any]:
    """The next message. Raises TimeoutError, Closed, as `send`."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size, deadline))
    if length > LARGEST:
        raise Closed(f"announced {length:,} bytes")
    try:
        message = json.loads(_exactly(channel, length, deadline))
    except (ValueError, RecursionError) as wrong:
        raise Closed("not JSON") from wrong
    if not isinstance(message, dict):
        raise Closed("not an object")
    return message


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    received = bytearray()
    while len(received) < size:
        try:
            _limit(channel, deadline)
            part = channel.recv(min(size - len(received), 1 << 20))
        except TimeoutError:
            raise
        except OSError as gone:
            raise Closed("the other side is gone") from gone
        if not part:
            raise Closed("the other side is gone")
        received += part
    return received


def _limit(channel: socket.socket, deadline: float | None) -> None:
    """Let the next call on the channel end at the deadline. Without one nothing is set: a worker may not."""
    if deadline is None:
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
