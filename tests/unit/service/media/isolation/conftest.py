from collections.abc import Iterator

import pytest

from service.media.isolation.pool import ParserPool
from tests.support.parsers import ALLOWED

MEMORY = 96 << 20


@pytest.fixture(scope="package")
def pool() -> Iterator[ParserPool]:
    """One worker with parsers that misbehave."""
    opened = ParserPool(1, MEMORY, ALLOWED)
    yield opened
    opened.close()
