import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api import create_app
from service.installation import Installation, open_installation
from service.kit.settings import Settings
from tests.assets import hostile
from tests.support.disk import copy_home

IMAGE = hostile.save(hostile.picture(), "PNG")


@pytest.fixture
def recording(settings: Settings, home_template: Path) -> Iterator[Installation]:
    copy_home(home_template, settings)
    opened = open_installation(settings.model_copy(update={"score_retention_days": 30}))
    yield opened
    opened.close()


@pytest.fixture
def client(recording: Installation) -> TestClient:
    return TestClient(create_app(recording), raise_server_exceptions=False)


def given(examination: str, **changes: object) -> dict[str, object]:
    return {"examination": examination, "label": "real", "who": "author", **changes}


def test_both_ways_to_examine_give_an_id_to_answer(client: TestClient, recording: Installation) -> None:
    inspected = client.post("/v1/inspect", content=IMAGE).json()["inferred"]
    detected = json.loads(client.post("/v1/detect", content=IMAGE).text)
    assert inspected["p_synthetic"] == detected["p_synthetic"]
    for answer in (inspected, detected):
        response = client.post("/v1/feedback", json=given(answer["examination"]))
        assert response.status_code == 201
        assert response.json()["label"] == "real"
    rows = recording.feedback.all()
    assert {row.examination for row, _ in rows} == {inspected["examination"], detected["examination"]}
    assert len({examined.file for _, examined in rows}) == 1
    assert [row.tenant for row, _ in rows] == [None, None]


def test_it_changes_no_answer(client: TestClient) -> None:
    before = json.loads(client.post("/v1/detect", content=IMAGE).text)
    client.post("/v1/feedback", json=given(before["examination"], label="synthetic"))
    after = json.loads(client.post("/v1/detect", content=IMAGE).text)
    assert {**before, "examination": ""} == {**after, "examination": ""}


def test_a_tenant_is_named_with_the_label(client: TestClient, recording: Installation) -> None:
    key = recording.tenants.add(Terms(name="acme")).key
    examination = json.loads(client.post("/v1/detect", content=IMAGE).text)["examination"]
    headers = {"Authorization": f"Bearer {key}"}
    assert client.post("/v1/feedback", json=given(examination), headers=headers).status_code == 201
    assert [row.tenant for row, _ in recording.feedback.all()] == ["acme"]


@pytest.mark.parametrize(
    ("body", "status"), [(given("0" * 32), 404), (given("x"), 400), (given("0" * 32, note="!"), 400), ([], 400)]
)
def test_what_is_refused(client: TestClient, body: object, status: int) -> None:
    assert client.post("/v1/feedback", json=body).status_code == status


def test_by_default_nothing_is_recorded(installation: Installation) -> None:
    client = TestClient(create_app(installation))
    assert json.loads(client.post("/v1/detect", content=IMAGE).text)["examination"] is None
    with installation.ledger.read() as stored:
        assert stored.feedback.all() == []


def test_it_needs_a_key_where_examining_needs_one(client: TestClient, recording: Installation) -> None:
    recording.settings.__dict__["examiner_needs_key"] = True
    assert client.post("/v1/feedback", json=given("0" * 32)).status_code == 401
