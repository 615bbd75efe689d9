import dataclasses
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import service.api
from service.api import create_app
from service.api.dependencies import Services, services_of
from service.installation import Installation

PACKAGE = Path(service.api.__file__).parent


def test_an_application_has_its_own_services(installation: Installation) -> None:
    one, other = services_of(create_app(installation)), services_of(create_app(installation))
    assert one.installation is installation
    assert one.order_capacity is not other.order_capacity


def test_services_cannot_be_exchanged(installation: Installation) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        services_of(create_app(installation)).installation = installation  # type: ignore[misc]


def test_another_application_has_none() -> None:
    app = FastAPI()
    app.state.services = object()
    with pytest.raises(TypeError, match="create_app"):
        services_of(app)


def test_there_are_as_many_order_threads_as_orders_are_admitted(installation: Installation) -> None:
    installation.settings.__dict__["queue_length"] = 5
    services = Services.open(installation)
    assert services.order_capacity.available == services.order_threads._max_workers > 5  # type: ignore[attr-defined]
    services.close()


def test_the_threads_end_with_the_application(installation: Installation) -> None:
    app = create_app(installation)
    services = services_of(app)
    with TestClient(app) as client:
        assert client.post("/v1/inspect", content=b"x").status_code == 415
        services.image_threads.submit(int).result()
    for threads in (services.order_threads, services.image_threads):
        with pytest.raises(RuntimeError, match="shutdown"):
            threads.submit(int)
    assert installation.ledger.ready() == 0  # it stays open


def test_nothing_else_reads_the_state_of_the_application() -> None:
    readers = [path.name for path in PACKAGE.glob("*.py") if re.search(r"\bapp\.state\.", path.read_text("utf-8"))]
    assert readers == ["dependencies.py"]
