import pytest
from fastapi.testclient import TestClient

from service.access.api_keys import KeyTerms
from service.access.tenants import Terms
from service.access.usage import Allowance
from service.api.key_limits import rate_limit_fields
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import Busy, Unavailable, Unsafe
from tests.assets import hostile

ORDERS, INSPECT, DETECT, GRANTS = "/v1/images/generations", "/v1/inspect", "/v1/detect", "/v1/consent/grants"
IMAGE = hostile.save(hostile.picture(), "PNG")


def key_of(installation: Installation, **terms: object) -> dict[str, str]:
    """The header of a key with these terms."""
    if not installation.tenants.keys_needed():
        installation.tenants.add(Terms(name="acme"))
    key = installation.api_keys.add("acme", KeyTerms.model_validate(terms)).key
    return {"Authorization": f"Bearer {key}"}


def left(response: object) -> dict[str, int]:
    """What the answer says is left, by limit."""
    field: str = response.headers.get("ratelimit", "")  # type: ignore[attr-defined]
    items = [item.split(";") for item in field.split(", ") if item]
    return {name.strip('"'): int(remaining.removeprefix("r=")) for name, remaining, _ in items}


def test_the_fields_are_those_of_the_draft() -> None:
    policy, limit = rate_limit_fields([Allowance("requests_per_minute", 60, 60, 59, 1), Allowance("x", 5, 86400, 0, 7)])
    assert policy == (b"ratelimit-policy", '"requests_per_minute";q=60;w=60, "x";q=5;w=86400')
    assert limit == (b"ratelimit", '"requests_per_minute";r=59;t=1, "x";r=0;t=7')


def test_every_answer_tells_what_is_left_and_too_many_are_told_when(
    client: TestClient, installation: Installation
) -> None:
    key = key_of(installation, requests_per_minute=2)
    assert [left(client.get(GRANTS, headers=key)) for _ in range(2)] == [
        {"requests_per_minute": 1}, {"requests_per_minute": 0},
    ]  # fmt: skip
    refused = client.get(GRANTS, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert left(refused) == {"requests_per_minute": 0}
    assert refused.headers["ratelimit-policy"] == '"requests_per_minute";q=2;w=60'
    assert "ratelimit" not in client.get(GRANTS, headers=key_of(installation)).headers


def test_images_are_counted_when_they_are_taken_on(painting_client: TestClient, installation: Installation) -> None:
    key = key_of(installation, images_per_day=3)
    body = {"prompt": "a lake", "size": "256x256"}
    assert left(painting_client.post(ORDERS, json={**body, "n": 2}, headers=key)) == {"images_per_day": 1}
    refused = painting_client.post(ORDERS, json={**body, "n": 2}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert int(refused.headers["retry-after"]) > 0
    assert left(refused) == {"images_per_day": 1}
    assert left(painting_client.post(ORDERS, json={"prompt": ""}, headers=key)) == {"images_per_day": 1}
    assert installation.ledger.verify().images == 2


def test_what_was_turned_away_is_not_counted_and_what_was_refused_is(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(installation, images_per_day=9)
    for fault, rest in ((Busy("full", retry_after=1), 9), (ValueError("a bug"), 9), (Unsafe("no", stage="screen"), 8)):
        with monkeypatch.context() as patch:
            patch.setattr(Gateway, "release", lambda *_args, fault=fault: (_ for _ in ()).throw(fault))
            assert painting_client.post(ORDERS, json={"prompt": "a lake"}, headers=key).status_code >= 400
        assert left(painting_client.get("/v1/models", headers=key)) == {"images_per_day": rest}


def test_an_image_is_not_lost_because_a_count_cannot_be_given_back(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(installation, images_per_day=9)
    release = Gateway.release

    def one_fails(self: Gateway, order: object, *more: object) -> object:
        if order.seed == 2:  # type: ignore[attr-defined]
            raise Busy("full", retry_after=1)
        return release(self, order, *more)  # type: ignore[arg-type]

    def gone(*_: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(Gateway, "release", one_fails)
    monkeypatch.setattr(installation.key_usage, "give_back", gone)
    answer = painting_client.post(ORDERS, json={"prompt": "a lake", "n": 2, "seed": 1}, headers=key)
    assert (answer.status_code, len(answer.json()["data"])) == (200, 1)


def test_every_file_of_a_request_is_an_examination(client: TestClient, installation: Installation) -> None:
    installation.settings.__dict__["examiner_needs_key"] = True
    key = key_of(installation, examinations_per_month=3)
    assert left(client.post(INSPECT, content=b"x", headers=key)) == {"examinations_per_month": 2}
    files = [("file", (f"{n}.txt", b"x")) for n in range(3)]
    refused = client.post(DETECT, files=files, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert left(client.post(DETECT, files=files[:2], headers=key)) == {"examinations_per_month": 0}
    assert client.post("/v1/matches/byContent", content=IMAGE, headers=key).status_code == 429


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [(("generate",), {ORDERS}), (("examine",), {INSPECT, DETECT}), (("consent",), {GRANTS}), (("admin",), set())],
)
def test_a_key_opens_what_it_is_for(
    painting_client: TestClient, installation: Installation, scopes: tuple[str, ...], allowed: set[str]
) -> None:
    installation.settings.__dict__["examiner_needs_key"] = True
    key = key_of(installation, scopes=scopes)
    for path in (ORDERS, INSPECT, DETECT, GRANTS):
        answer = painting_client.request("GET" if path == GRANTS else "POST", path, headers=key)
        assert (answer.status_code != 403) is (path in allowed), path
        if path not in allowed:
            assert answer.json()["code"] == "scope_missing"
            assert 'error="insufficient_scope", scope="' in answer.headers["www-authenticate"]
    assert painting_client.get("/v1/models", headers=key).status_code == 200  # it tells whether a key works


def test_a_job_counts_when_it_is_taken_on_and_not_if_there_is_no_room(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(installation, images_per_day=3)
    order = {"prompt": "a lake", "n": 2, "size": "128x128", "async": True}
    with monkeypatch.context() as patch:
        patch.setattr(installation.jobs, "submit", lambda *_: (_ for _ in ()).throw(Busy("full", retry_after=1)))
        assert painting_client.post(ORDERS, json=order, headers=key).status_code == 429
    assert left(painting_client.get("/v1/jobs", headers=key)) == {"images_per_day": 3}
    assert painting_client.post(ORDERS, json=order, headers=key).status_code == 202
    refused = painting_client.post(ORDERS, json=order, headers=key)
    assert (refused.json()["code"], left(refused)) == ("quota_exceeded", {"images_per_day": 1})


def test_jobs_and_batches_have_their_scopes(painting_client: TestClient, installation: Installation) -> None:
    follows, examines = (key_of(installation, scopes=(scope,)) for scope in ("jobs", "examine"))
    files = {"file": ("a.txt", b"x")}
    assert painting_client.get("/v1/jobs", headers=follows).status_code == 200
    assert painting_client.get("/v1/jobs", headers=examines).json()["code"] == "scope_missing"
    assert painting_client.post("/v1/inspections", files=files, headers=examines).status_code == 202
    assert painting_client.post("/v1/inspections", files=files, headers=follows).json()["code"] == "scope_missing"


def test_a_request_counts_once_and_its_repetition_takes_nothing(
    painting_client: TestClient, installation: Installation
) -> None:
    key = key_of(installation, requests_per_minute=9, images_per_day=3)
    once = {**key, "Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    body = {"prompt": "a lake", "size": "128x128"}
    for remaining in (8, 7):
        answer = painting_client.post(ORDERS, json=body, headers=once)
        assert (answer.status_code, left(answer)) == (200, {"requests_per_minute": remaining, "images_per_day": 2})
    assert installation.ledger.verify().images == 1


def test_what_a_key_lacks_is_not_remembered_for_another(
    painting_client: TestClient, installation: Installation
) -> None:
    once = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    body = {"prompt": "a lake", "size": "128x128"}
    lacks, has = key_of(installation, scopes=("jobs",)), key_of(installation, scopes=("generate",))
    assert painting_client.post(ORDERS, json=body, headers={**lacks, **once}).status_code == 403
    assert painting_client.post(ORDERS, json=body, headers={**has, **once}).status_code == 200
