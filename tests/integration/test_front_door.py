"""The whole application behind the server: clients that hang up, and orders that the shutdown ends."""

import json
import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.api import access_log, create_app, problems
from service.generation.backend import Job, OnStep
from service.installation import Installation
from tests.assets import hostile
from tests.support.database import engine_of
from tests.support.front_door import all_of, opened, request
from tests.support.gateway import Build
from tests.support.painter import Painter
from tests.support.waiting import LONGEST, until

ORDER = request("/v1/images/generations", body=b'{"prompt": "x"}', headers="Content-Type: application/json\r\n")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is logged about requests, and about bugs."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(access_log.log, "info", lambda event, **fields: found.append(fields))
    monkeypatch.setattr(problems.log, "error", lambda event, **fields: found.append({"event": event, **fields}))
    return found


@pytest.mark.parametrize("content_type", ["image/png", "application/json", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/v1/inspect", "/v1/images/generations", "/v1/images/edits"])
def test_who_hangs_up_while_sending_is_one_line(
    painted_installation: Installation,
    lines: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    path: str,
    content_type: str,
) -> None:
    with opened(create_app(painted_installation), painted_installation.settings) as door:
        door.connect(request(path, b"--x\r\n", 100_000, f"Content-Type: {content_type}\r\n")).close()
        until(lambda: lines)
    (line,) = lines
    assert line["path"] == path
    assert line["status"] in (499, 400)  # 400: the type of the body alone was wrong
    assert "Traceback" not in caplog.text


def test_who_hangs_up_while_an_image_is_examined_is_one_line(
    installation: Installation, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def slow(*args: object, **more: object) -> None:
        begun.set()
        assert gate.wait(LONGEST)

    monkeypatch.setattr(installation.examiner, "examine", slow)
    with opened(create_app(installation), installation.settings) as door:
        client = door.connect(request("/v1/inspect", hostile.save(hostile.picture(), "PNG")))
        assert begun.wait(LONGEST)
        client.close()
        until(lambda: lines)
        gate.set()
    assert [line["status"] for line in lines] == [499]


def test_an_order_that_the_shutdown_ends_is_refused_and_nothing_is_released(
    painted_installation: Installation, build: Build
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    class Slow(Painter):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            begun.set()
            try:
                while not stopped.wait(0.01):
                    on_step(1, job.steps)
            except BaseException:
                stopped.set()
                raise
            raise AssertionError("nobody stopped it")

    painted_installation._gateway = build(Slow())
    app = create_app(painted_installation)
    with opened(app, painted_installation.settings.model_copy(update={"shutdown_timeout": 0.2})) as door:
        client = door.connect(ORDER)
        assert begun.wait(LONGEST)
        door.server.should_exit = True
        response = all_of(client)
        assert stopped.wait(LONGEST)
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert json.loads(body)["code"] == "overloaded"
    with engine_of(painted_installation.ledger).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM images").scalar() == 0
        decided = connection.exec_driver_sql("SELECT body FROM decisions").scalar()
    assert json.loads(str(decided))["code"] == "cancelled"
