"""The system's log, or one on another machine. It never answers, so it can remember but not be required."""

import json
import logging
import socket
from collections.abc import Sequence
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from urllib.parse import SplitResult

from service.kit.errors import Misconfigured
from service.ledger.checkpoints import Checkpoint
from service.ledger.notes import SignatureLine
from service.ledger.sinks.sink import NotTaken
from service.ledger.transparency import TransparencyLog

_LOG_AUDIT = 13  # the facility "log audit" of RFC 5424
_LOCAL = "/dev/log"

Address = str | tuple[str, int]


class _Handler(SysLogHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Raise what went wrong: logging itself would print it and go on."""
        raise  # noqa: PLE0704 - called while the error is handled


class SyslogSink:
    """Sends each checkpoint as one line of JSON. The first one connects."""

    confirms = False

    def __init__(self, address: Address, kind: socket.SocketKind) -> None:
        self._address = address
        self._kind = kind
        self._handler: _Handler | None = None

    @property
    def name(self) -> str:
        return "syslog"

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> Sequence[SignatureLine]:
        text = json.dumps({"checkpoint": checkpoint.size, "note": str(checkpoint.note)})
        record = logging.LogRecord("countermark", logging.INFO, "", 0, f"countermark: {text}", None, None)
        try:
            if self._handler is None:
                self._handler = _Handler(self._address, _LOG_AUDIT, self._kind)
            self._handler.emit(record)
        except OSError as fault:
            self.close()
            raise NotTaken(f"syslog cannot be reached: {fault.strerror}") from fault
        return ()

    def close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.close()


def open_sink(address: SplitResult, timeout: float) -> SyslogSink:
    """`syslog:` (this machine), `syslog://HOST:PORT` (UDP) or `syslog+tcp://HOST:PORT`. Raises Misconfigured."""
    kind = socket.SOCK_STREAM if address.scheme.endswith("+tcp") else socket.SOCK_DGRAM
    if address.hostname:
        return SyslogSink((address.hostname, address.port or SYSLOG_UDP_PORT), kind)
    if address.scheme.endswith("+tcp"):
        raise Misconfigured("a syslog over TCP needs its host", hint="Write syslog+tcp://HOST:PORT.")
    return SyslogSink(address.path or _LOCAL, kind)
