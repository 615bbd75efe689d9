"""A request that is sent twice is carried out once, at every door that takes the header."""

import threading
from collections.abc import Callable

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from service.access.api_keys import KeyTerms
from service.access.tenants import Terms
from service.api.idempotency import REPLAYED, _fingerprint
from service.installation import Installation
from service.kit.errors import Busy, Error
from service.storage import Kind
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter, finding

URL = "/v1/images/generations"
ORDER = {"prompt": "a lake", "size": "128x128"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
NOTICE = {
    "signature": "Ann Example",
    "url": "https://example.com/photo.jpg",
    "statement": "This is an intimate image of me.",
    "good_faith": True,
    "contact": "ann@example.com",
}


def issued(installation: Installation) -> int:
    return installation.ledger.verify().images


def test_an_order_that_is_sent_twice_is_generated_once(painting_client: TestClient, installation: Installation) -> None:
    first = painting_client.post(URL, json=ORDER, headers=KEY)
    again = painting_client.post(URL, json=ORDER, headers=KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert issued(installation) == 1
    painting_client.post(URL, json=ORDER, headers={"Idempotency-Key": '"another"'})
    assert issued(installation) == 2


def test_as_events(painting_client: TestClient, installation: Installation) -> None:
    answers = [painting_client.post(URL, json={**ORDER, "stream": True}, headers=KEY) for _ in range(2)]
    assert answers[0].headers["content-type"] == answers[1].headers["content-type"]
    assert answers[0].text.startswith("event: image_generation.completed")
    assert answers[0].text == answers[1].text
    assert issued(installation) == 1


def test_another_order_with_the_key(painting_client: TestClient, installation: Installation) -> None:
    painting_client.post(URL, json=ORDER, headers=KEY)
    response = painting_client.post(URL, json={"prompt": "a wood"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert issued(installation) == 1


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256])
def test_what_is_no_key(painting_client: TestClient, installation: Installation, key: str) -> None:
    response = painting_client.post(URL, json=ORDER, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert issued(installation) == 0


def test_while_the_first_is_being_answered(
    build: Build, installation: Installation, make_client: Callable[[], TestClient]
) -> None:
    begun, go = threading.Event(), threading.Event()

    class Waiting(Painter):
        def render(self, job, on_step):  # type: ignore[no-untyped-def]
            begun.set()
            assert go.wait(60)
            return super().render(job, on_step)

    installation._gateway = build(Waiting())
    client = make_client()
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.append(client.post(URL, json=ORDER, headers=KEY).status_code))
    thread.start()
    assert begun.wait(60)
    response = client.post(URL, json=ORDER, headers=KEY)
    go.set()
    thread.join()
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_in_use")
    assert int(response.headers["retry-after"]) >= 1
    assert (first, issued(installation)) == ([200], 1)


def test_a_refusal_is_final(build: Build, installation: Installation, make_client: Callable[[], TestClient]) -> None:
    installation._gateway = build(checkers=[Checker(lambda images: [finding(0.9) for _ in images])])
    client = make_client()
    answers = [client.post(URL, json=ORDER, headers=KEY) for _ in range(2)]
    assert [each.status_code for each in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["content-type"] == answers[1].headers["content-type"] == "application/problem+json"
    assert decided(installation, "refused") == 1


def test_what_may_pass_another_time_is_forgotten(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [Busy("full", retry_after=3), RuntimeError("a bug"), Error("a bug that is ours")]

    def failing(*_: object) -> object:
        raise faults.pop(0)

    with monkeypatch.context() as patch:
        patch.setattr(type(installation.gateway), "release", failing)
        statuses = [painting_client.post(URL, json=ORDER, headers=KEY).status_code for _ in range(3)]
    assert statuses == [429, 500, 500]
    assert painting_client.post(URL, json=ORDER, headers=KEY).status_code == 200
    assert issued(installation) == 1


def test_an_answer_that_cannot_be_kept_is_not_given(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("service.jobs.answers.home.replace", full)
        response = painting_client.post(URL, json=ORDER, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert painting_client.post(URL, json=ORDER, headers=KEY).status_code == 200


def test_keys_of_tenants_are_apart_and_need_the_tenants_own_key(
    painting_client: TestClient, installation: Installation
) -> None:
    bearers = [{"Authorization": f"Bearer {installation.tenants.add(Terms(name=name)).key}"} for name in "ab"]
    answers = [painting_client.post(URL, json=ORDER, headers={**KEY, **bearer}) for bearer in (*bearers, *bearers)]
    assert [each.status_code for each in answers] == [200] * 4
    assert [REPLAYED in each.headers for each in answers] == [False, False, True, True]
    assert issued(installation) == 2
    installation.tenants.remove("a")
    for headers in (KEY, {**KEY, **bearers[0]}):
        assert painting_client.post(URL, json=ORDER, headers=headers).status_code == 401


def test_a_key_that_is_for_something_else_is_given_no_answer_again(
    painting_client: TestClient, installation: Installation
) -> None:
    own = {"Authorization": f"Bearer {installation.tenants.add(Terms(name='acme')).key}"}
    other = installation.api_keys.add("acme", KeyTerms(label="x", scopes=("takedowns",))).key
    assert painting_client.post(URL, json=ORDER, headers={**KEY, **own}).status_code == 200
    for path, request in ((URL, {"json": ORDER}), ("/v1/inspections", {"files": {"file": b"x"}})):
        headers = {**KEY, "Authorization": f"Bearer {other}"}
        response = painting_client.post(path, headers=headers, **request)
        assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
    answered = painting_client.post("/v1/inspections", files={"file": b"x"}, headers={"Idempotency-Key": "n", **own})
    assert answered.status_code == 202


def test_a_notice_that_is_sent_twice_is_one_case(client: TestClient, installation: Installation) -> None:
    first, again = (client.post("/v1/takedowns", json=NOTICE, headers=KEY) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    assert decided(installation, "takedown") == 1
    assert client.post("/v1/takedowns", json=NOTICE).json()["case"] != first.json()["case"]


def test_a_key_of_somebody_without_one_is_their_addresss(
    client: TestClient, installation: Installation, make_client: Callable[..., TestClient]
) -> None:
    installation.tenants.add(Terms(name="acme"))
    first = client.post("/v1/takedowns", json=NOTICE, headers=KEY)
    other = make_client(("10.1.2.3", 50000)).post("/v1/takedowns", json=NOTICE, headers=KEY)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["case"] != other.json()["case"]


def test_the_boundary_of_a_form_does_not_matter() -> None:
    def request(boundary: str) -> Request:
        kind = f"multipart/form-data; boundary={boundary}"
        scope = {
            "type": "http", "method": "POST", "path": "/v1/images/edits", "query_string": b"",
            "headers": [(b"content-type", kind.encode()), (b"host", b"x")],
        }  # fmt: skip
        return Request(scope)

    def body(boundary: str, prompt: str) -> bytes:
        head = 'Content-Disposition: form-data; name="prompt"'
        return f"--{boundary}\r\n{head}\r\n\r\n{prompt}\r\n--{boundary}--\r\n".encode()

    one = _fingerprint(request("abc"), body("abc", "a lake"))
    assert one == _fingerprint(request("xyz"), body("xyz", "a lake"))
    assert one != _fingerprint(request("abc"), body("abc", "a wood"))


def decided(installation: Installation, kind: Kind) -> int:
    with installation.ledger.read() as stored:
        return sum(1 for _ in stored.decisions.of_kinds((kind,)))
