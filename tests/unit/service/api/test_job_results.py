"""The result of a job, or why there is none."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from service.installation import Installation
from tests.support.gateway import Build
from tests.support.jobs import ORDER, events
from tests.support.painter import Checker, finding


def test_what_the_gateway_refuses_is_the_jobs_error(
    build: Build, installation: Installation, make_client: Callable[[], TestClient]
) -> None:
    installation._gateway = build(checkers=[Checker(lambda images: [finding(0.9) for _ in images])])
    with make_client() as client:
        job = client.post("/v1/images/generations", json={**ORDER, "n": 1}).json()
        ended = events(client, job["id"])[-1][1]
        response = client.get(f"/v1/jobs/{job['id']}/result")
    assert ended["status"] == "failed"
    assert isinstance(ended["error"], dict)
    assert (response.status_code, response.json()["code"]) == (400, "moderation_blocked")
    assert response.json()["appeal"] == ended["error"]["appeal"]
    assert installation.ledger.verify().images == 0


def test_before_the_end(painting_client: TestClient) -> None:
    """Nobody works on it: the server has not started."""
    job = painting_client.post("/v1/images/generations", json=ORDER).json()["id"]
    for response in (painting_client.get(f"/v1/jobs/{job}/result"), painting_client.delete(f"/v1/jobs/{job}")):
        assert (response.status_code, response.json()["code"]) == (409, "job_unfinished")
        assert int(response.headers["retry-after"]) > 0
    assert painting_client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
    response = painting_client.get(f"/v1/jobs/{job}/result")
    assert (response.status_code, response.json()["code"]) == (410, "job_cancelled")
    assert painting_client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
