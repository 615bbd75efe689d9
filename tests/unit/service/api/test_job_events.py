"""Streams of events, and how they end."""

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation
from tests.support.jobs import ORDER, events


def test_a_stream_ends_when_the_server_does(painting_client: TestClient) -> None:
    job = painting_client.post("/v1/images/generations", json=ORDER).json()["id"]
    painting_client.app.state.services.stopping.set()  # type: ignore[attr-defined]
    ((_, told),) = events(painting_client, job)
    assert told["status"] == "queued"


def test_a_stream_ends_when_its_job_is_deleted_and_says_that_it_is_there(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = painting_client.post("/v1/images/generations", json=ORDER).json()["id"]
    looks = [installation.jobs.find(job)] * 3
    monkeypatch.setattr("service.api.job_events._LOOK_SECONDS", 0)
    monkeypatch.setattr("service.api.job_events._HEARTBEAT_SECONDS", 0)
    get = installation.jobs.get

    def gone(number: str, client: object) -> object:
        return looks.pop() if looks else get("J-NONE", client)  # type: ignore[arg-type]

    monkeypatch.setattr(installation.jobs, "get", gone)
    text = painting_client.get(f"/v1/jobs/{job}/events").text
    assert (text.count("event: job"), ": still there" in text) == (1, True)
