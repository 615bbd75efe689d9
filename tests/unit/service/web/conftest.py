"""Clients of the pages, with and without a gateway."""

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation
from service.web import create_app
from tests.support.gateway import Build
from tests.support.prompts import Screen, evidence


@pytest.fixture
def client(installation: Installation) -> TestClient:
    """Of an installation without a gateway."""
    return TestClient(create_app(installation), raise_server_exceptions=False)


@pytest.fixture
def painting_client(painted_installation: Installation) -> TestClient:
    """Of an installation whose gateway paints."""
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


@pytest.fixture
def refusing_client(installation: Installation, build: Build) -> TestClient:
    """Of an installation whose gateway refuses every prompt."""
    installation._gateway = build(prompts=Screen(lambda _prompt: evidence(sexual=0.99)))
    return TestClient(create_app(installation), raise_server_exceptions=False)
