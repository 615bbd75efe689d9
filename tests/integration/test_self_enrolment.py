"""Enrolling one's own face over HTTP, and every way it is refused."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.installation import Installation, open_installation
from service.kit.errors import NotLive
from service.kit.settings import Settings
from service.likeness.checks import Likeness
from service.likeness.liveness import PHOTOS, Challenge, PoseSequence, Shot
from service.media.pictures import encode
from tests.support.people import BOB, TURNS, Posing, posed

HERE = "/v1/consent/enrolments"


@pytest.fixture
def open_door(settings: Settings) -> Iterator[Installation]:
    installation = open_installation(settings.model_copy(update={"self_enrolment": True}))
    installation.likeness = Likeness(installation.consent, Posing, 0.5, "default")
    yield installation
    installation.close()


@pytest.fixture
def client(open_door: Installation) -> TestClient:
    return TestClient(create_app(open_door), raise_server_exceptions=False)


def photos(poses: list[str], **changes: Any) -> list[bytes]:
    return [encode(posed(TURNS[one], seed, **changes), "png")[0] for seed, one in enumerate(poses)]


def form(data: list[bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"{number}.png", one)) for number, one in enumerate(data)]


def refused(client: TestClient, number: str, data: list[bytes], status: int, code: str) -> str:
    answer = client.post(f"{HERE}/{number}", data={"name": "Ann Example"}, files=form(data))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    return str(answer.json()["detail"])


def test_a_person_enrols_and_sees_what_is_theirs(client: TestClient, open_door: Installation) -> None:
    asked = client.post(HERE)
    assert asked.status_code == 201
    challenge = asked.json()
    assert len(challenge["poses"]) == PHOTOS
    files = form(photos(challenge["poses"]))
    answer = client.post(f"{HERE}/{challenge['id']}", data={"name": "Ann Example"}, files=files)
    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert (done["templates"], done["protected"]) == (PHOTOS, True)
    assert open_door.consent.subjects.name(done["subject"]) == "Ann Example"
    seen = client.get(f"/v1/consent/subjects/{done['subject']}", headers={"X-Subject-Pin": done["pin"]})
    assert seen.json() == {"grants": [], "uses": [], "hint": None}
    assert "answered before" in refused(client, challenge["id"], photos(challenge["poses"]), 422, "not_live")


def test_another_check_may_ask_for_more_photos(client: TestClient, open_door: Installation) -> None:
    class Vendor(PoseSequence):
        most_photos = 6

        def check(self, challenge: Challenge, shots: Sequence[Shot]) -> None:
            if len(shots) != 6:
                raise NotLive(f"{len(shots)} photos came, two more than poses were asked for")

    open_door.liveness = Vendor(open_door.ledger)
    challenge = client.post(HERE).json()
    six = photos([*challenge["poses"], "front", "left"])
    seven = client.post(f"{HERE}/{challenge['id']}", data={"name": "Ann"}, files=form([*six, six[0]]))
    assert (seven.status_code, seven.json()["code"]) == (400, "bad_request")  # and the challenge is not spent
    answer = client.post(f"{HERE}/{challenge['id']}", data={"name": "Ann"}, files=form(six))
    assert (answer.status_code, answer.json().get("templates")) == (201, 6)
    challenge = client.post(HERE).json()
    assert "two more" in refused(client, challenge["id"], six[:4], 422, "not_live")


def test_what_does_not_answer_the_challenge_is_refused(client: TestClient, open_door: Installation) -> None:
    poses = (challenge := client.post(HERE).json())["poses"]
    first, second, third, last = photos(poses)
    assert "should look" in refused(client, challenge["id"], [second, first, third, last], 422, "not_live")
    poses = (challenge := client.post(HERE).json())["poses"]
    stranger = [*photos(poses)[:3], photos(poses, colour=BOB)[3]]
    assert "a different person" in refused(client, challenge["id"], stranger, 400, "bad_request")
    poses = (challenge := client.post(HERE).json())["poses"]
    mirrored = encode(posed(TURNS[poses[1]], 0, mirrored=True), "png")[0]
    forged = [photos(poses)[0], mirrored, *photos(poses)[2:]]
    assert "mirrored" in refused(client, challenge["id"], forged, 422, "not_live")
    assert "no such challenge" in refused(client, "L-NONE", forged, 422, "not_live")
    assert open_door.consent.subjects.everybody() == []


def test_forms_that_are_none_spend_no_challenge(client: TestClient, open_door: Installation) -> None:
    challenge = client.post(HERE).json()
    here, files = f"{HERE}/{challenge['id']}", form(photos(challenge["poses"]))
    ann = {"name": "Ann"}
    for sent in (
        {"json": ann},
        {"data": ann},
        {"files": files},
        {"data": {"name": ""}, "files": files},
        {"data": {"name": "x" * 201}, "files": files},
        {"data": {"name": ["Ann", "Bob"]}, "files": files},
        {"data": {"label": "Ann"}, "files": files},
        {"data": ann, "files": [*files, *files]},
        {"data": ann, "files": [*files[:3], ("photo", files[3][1])]},
        {"files": [*files[:3], ("name", files[3][1])]},
    ):
        answer = client.post(here, **sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), answer.text
    assert open_door.consent.subjects.everybody() == []
    assert client.post(here, data=ann, files=files).status_code == 201


def test_switched_off_it_says_how_to_switch_it_on(installation: Installation) -> None:
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    for path in (HERE, f"{HERE}/L-NONE"):
        answer = client.post(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "switched_off")
        assert "COUNTERMARK_SELF_ENROLMENT=true" in answer.json()["hint"]


def test_without_a_face_model_nobody_is_enrolled_and_no_challenge_spent(
    client: TestClient, open_door: Installation
) -> None:
    from service.kit.errors import Unavailable

    def missing() -> Posing:
        raise Unavailable("dlib cannot be imported")

    challenge = client.post(HERE).json()
    open_door.likeness = Likeness(open_door.consent, missing, 0.5, "default")
    assert "dlib" in refused(client, challenge["id"], photos(challenge["poses"]), 503, "unavailable")
    assert open_door.liveness.take(challenge["id"])
