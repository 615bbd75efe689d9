"""Jobs over HTTP: followed, deleted, and given to nobody but whose they are."""

import base64
import hashlib

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api import create_app
from service.installation import Installation
from service.jobs.workers import JobWorkers
from tests.support.jobs import KEY, ORDER, events


def test_images_in_a_job(working: TestClient, installation: Installation) -> None:
    response = working.post("/v1/images/generations", json=ORDER, headers=KEY)
    job = response.json()
    assert (response.status_code, response.headers["location"]) == (202, f"/v1/jobs/{job['id']}")
    assert (job["kind"], job["progress"]) == ("images.generation", {"done": 0, "total": 2})
    told = events(working, job["id"])
    assert told[-1][1]["status"] == "succeeded"
    assert [number for number, _ in told] == sorted({number for number, _ in told})
    assert events(working, job["id"], **{"Last-Event-ID": str(told[-1][0] - 1)}) == told[-1:]
    assert working.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": str(told[-1][0])}).status_code == 204
    body = working.get(f"/v1/jobs/{job['id']}/result").json()
    for image, summary in zip(body["data"], body["countermark"]["images"], strict=True):
        sha256 = hashlib.sha256(base64.b64decode(image["b64_json"])).hexdigest()
        assert sha256 == summary["sha256"]
        assert installation.ledger.by_sha256(sha256) is not None
    assert (body["size"], body["countermark"]["model"]) == ("128x128", "painter")
    again = working.post("/v1/images/generations", json=ORDER, headers=KEY)
    assert again.json()["id"] == job["id"]
    assert [each["id"] for each in working.get("/v1/jobs").json()["data"]] == [job["id"]]
    assert working.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert working.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert installation.ledger.verify().images == 2


def test_a_job_is_its_tenants_alone(painting_client: TestClient, installation: Installation) -> None:
    mine, other = (
        {"Authorization": f"Bearer {installation.tenants.add(Terms(name=name)).key}"} for name in ("mine", "other")
    )
    job = painting_client.post("/v1/images/generations", json=ORDER, headers=mine).json()["id"]
    doors = [
        ("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/result"), ("GET", "/events"),
    ]  # fmt: skip
    for method, path in doors:
        url = f"/v1/jobs/{job}{path}"
        assert painting_client.request(method, url, headers=other).status_code == 404
        assert painting_client.request(method, url).status_code == 401
    assert painting_client.get("/v1/jobs", headers=other).json()["data"] == []
    assert painting_client.get(f"/v1/jobs/{job}", headers=mine).json()["status"] == "queued"
    assert painting_client.post("/v1/inspections", files={"file": b"x"}).status_code == 401


def test_workers_stop_with_the_server(painted_installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(JobWorkers, "start", lambda self: seen.append("start"))
    monkeypatch.setattr(JobWorkers, "close", lambda self, seconds=None: seen.append("close"))
    with TestClient(create_app(painted_installation)):
        assert seen == ["start"]
    assert seen == ["start", "close"]
