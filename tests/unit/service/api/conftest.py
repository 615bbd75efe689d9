"""Clients of the API, with and without a gateway."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.installation import Installation


@pytest.fixture
def client(installation: Installation) -> TestClient:
    """Of an installation without a gateway."""
    return TestClient(create_app(installation), raise_server_exceptions=False)


@pytest.fixture
def painting_client(painted_installation: Installation) -> TestClient:
    """Of an installation whose gateway paints."""
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


@pytest.fixture
def make_client(installation: Installation) -> Callable[..., TestClient]:
    """Makes clients of `installation` as it is then; they may come from an address and port of their own."""

    def make(address: tuple[str, int] = ("testclient", 50000)) -> TestClient:
        return TestClient(create_app(installation), raise_server_exceptions=False, client=address)

    return make


@pytest.fixture
def working(painted_installation: Installation) -> Iterator[TestClient]:
    """Of a server that works on its jobs."""
    with TestClient(create_app(painted_installation), raise_server_exceptions=False) as client:
        yield client
