from collections.abc import Callable, Iterator

import pytest

from service.ledger.sinks import CheckpointSink, open_sink

OpenSink = Callable[..., CheckpointSink]


@pytest.fixture
def opened() -> Iterator[OpenSink]:
    """Opens the sink at an address: (address, seconds, required=...). It is closed after the test."""
    sinks: list[CheckpointSink] = []

    def open_(address: str, timeout: float = 5, *, required: bool = False) -> CheckpointSink:
        sinks.append(open_sink(address, timeout, required=required))
        return sinks[-1]

    yield open_
    for sink in sinks:
        sink.close()
