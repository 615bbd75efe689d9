from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.installation import open_installation
from service.kit.settings import Settings
from service.likeness.checks import Likeness
from service.media.pictures import encode
from tests.support.people import TURNS, Posing, posed

URL = "/v1/consent/enrolments"


@pytest.fixture
def enrolling(settings: Settings) -> Iterator[TestClient]:
    installation = open_installation(settings.model_copy(update={"self_enrolment": True}))
    installation.likeness = Likeness(installation.consent, Posing, 0.5, "default")
    yield TestClient(create_app(installation), raise_server_exceptions=False)
    installation.close()


def photos(poses: list[str]) -> list[tuple[str, tuple[str, bytes]]]:
    shots = [encode(posed(TURNS[pose], seed), "png")[0] for seed, pose in enumerate(poses)]
    return [("file", (f"{number}.png", shot)) for number, shot in enumerate(shots)]


def test_an_enrolment_starts_with_poses_and_is_completed_with_photos(enrolling: TestClient) -> None:
    challenge = enrolling.post(URL)
    assert challenge.status_code == 201
    poses = challenge.json()["poses"]
    done = enrolling.post(f"{URL}/{challenge.json()['id']}", data={"name": "Ann"}, files=photos(poses))
    assert (done.status_code, done.json()["templates"]) == (201, len(poses))
    here = f"/v1/consent/subjects/{done.json()['subject']}"
    assert enrolling.get(here, headers={"X-Subject-Pin": done.json()["pin"]}).status_code == 200


def test_an_unknown_challenge(enrolling: TestClient) -> None:
    response = enrolling.post(f"{URL}/L-NONE", data={"name": "Ann"}, files=photos(["front"] * 4))
    assert (response.status_code, response.json()["code"]) == (422, "not_live")


def test_the_form_comes_before_the_challenge(enrolling: TestClient) -> None:
    challenge = enrolling.post(URL).json()
    here = f"{URL}/{challenge['id']}"
    assert enrolling.post(here, json={"name": "Ann"}).json()["code"] == "bad_request"
    assert enrolling.post(here, data={"name": "Ann"}, files=photos(challenge["poses"])).status_code == 201


@pytest.mark.parametrize("path", [URL, f"{URL}/L-NONE"])
def test_it_is_off_by_default(client: TestClient, path: str) -> None:
    response = client.post(path)
    assert (response.status_code, response.json()["code"]) == (403, "switched_off")
    assert "SELF_ENROLMENT=true" in response.json()["hint"]
