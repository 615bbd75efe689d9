"""Where checkpoints go beside the database: one module a kind of sink. What others hold cannot be rolled back with it.

To add a kind, write its module and list its opener in `SINKS`.
"""

from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

from service.kit.errors import Misconfigured
from service.ledger.sinks import file, syslog, witness
from service.ledger.sinks.sink import CheckpointSink

Opener = Callable[[SplitResult, float], CheckpointSink]
"""Opens the sink at an address. The number: seconds that it may take to answer. Raises Misconfigured."""

SINKS: Mapping[str, Opener] = {
    "file": file.open_sink,
    "syslog": syslog.open_sink,
    "syslog+tcp": syslog.open_sink,
    "http": witness.open_sink,
    "https": witness.open_sink,
}
"""By the scheme of an address."""


def open_sink(address: str, timeout: float, *, required: bool) -> CheckpointSink:
    """The sink at an address. `timeout`: seconds that it may take to answer.

    Raises:
        Misconfigured: the address cannot be used, or the sink is required and never says whether it took anything.
    """
    try:
        parts = urlsplit(address)
        opener = SINKS[parts.scheme]
        sink = opener(parts, timeout)
    except (KeyError, ValueError) as unknown:
        raise Misconfigured(
            f"{address} is not the address of a checkpoint sink",
            hint=f"It begins with {', '.join(f'{scheme}:' for scheme in SINKS)}; see docs/audit-log.md.",
        ) from unknown
    if required and not sink.confirms:
        raise Misconfigured(
            f"the sink {sink.name} cannot be required: it never says whether it took a checkpoint",
            hint="Name it in COUNTERMARK_CHECKPOINT_SINKS instead.",
        )
    return sink


__all__ = ["SINKS", "CheckpointSink", "open_sink"]
