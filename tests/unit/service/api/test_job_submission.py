"""What becomes a job, and what is told at once."""

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation
from service.kit.errors import Unavailable
from service.likeness.checks import Likeness
from service.media.pictures import encode
from tests.support.jobs import KEY, ORDER, events
from tests.support.painter import landscape

IMAGE = encode(landscape(1, 128, 128), "png")[0]


def test_one_request_is_one_job_also_where_its_answer_was_lost(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process died between taking the job on and saying so."""

    def lost(*_: object) -> None:
        raise Unavailable("the answer could not be stored")

    with monkeypatch.context() as patch:
        patch.setattr(installation.answers, "keep", lost)
        first = painting_client.post("/v1/images/generations", json=ORDER, headers=KEY)
    assert first.status_code == 503
    assert painting_client.post("/v1/images/generations", json=ORDER, headers=KEY).status_code == 202
    assert len(painting_client.get("/v1/jobs").json()["data"]) == 1


def test_edits_in_a_job(likeness: Likeness, working: TestClient) -> None:
    form = {"prompt": "a lake at night", "async": "true", "response_format": "url"}
    job = working.post("/v1/images/edits", data=form, files={"image": IMAGE}).json()
    assert job["kind"] == "images.edit"
    assert events(working, job["id"])[-1][1]["status"] == "succeeded"
    (image,) = working.get(f"/v1/jobs/{job['id']}/result").json()["data"]
    assert image["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "change", [{"n": 9}, {"model": "dall-e-9"}, {"stream": True}, {"seed": 2**63 - 1}, {"prompt": ""}]
)
def test_what_is_no_order_is_told_at_once(painting_client: TestClient, change: dict[str, object]) -> None:
    response = painting_client.post("/v1/images/generations", json={**ORDER, **change})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert painting_client.get("/v1/jobs").json()["data"] == []
