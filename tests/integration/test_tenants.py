"""Tenants at every door: who needs a key, whose grants serve whom, and that limits only tighten."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from service.access.client import Client
from service.access.tenants import Terms
from service.api import create_app
from service.cli.app import app
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, ClientRemoved, LikenessHeld, LikenessRefused, Unsafe
from service.kit.settings import Settings
from service.likeness.checks import Likeness
from service.likeness.schemas import Grant
from tests.support.database import engine_of
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter, finding
from tests.support.people import ANN, ByColour, enrolled, portrait

runner = CliRunner()
URL = "/v1/images/generations"
WISH = {"prompt": "a lake", "seed": 1}
ORDER = Order(prompt="a lake", seed=1)
UNSUITABLE = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
"""Every example builds its own gateway, and PostgreSQL's tests run the same class."""


@pytest.fixture
def client(painted_installation: Installation) -> TestClient:
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def key_of(installation: Installation, name: str = "acme", **limits: float) -> str:
    return installation.tenants.add(Terms(name=name, **limits)).key


class TestTheDoor:
    def test_without_tenants_it_is_open_as_before(self, client: TestClient) -> None:
        assert client.post(URL, json=WISH).status_code == 200
        assert client.post(URL, json=WISH, headers=bearer("whatever an OpenAI client sends")).status_code == 200

    def test_with_one_it_needs_a_key(self, client: TestClient, installation: Installation) -> None:
        key = key_of(installation)
        answer = client.post(URL, json=WISH)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="countermark"'
        assert client.post(URL, json=WISH, headers=bearer(key)).status_code == 200

    @pytest.mark.parametrize("header", ["Bearer ", "Bearer cm_", "Basic {key}", "{key}", "Bearer {key}x", "Bearer"])
    def test_what_is_no_key(self, client: TestClient, installation: Installation, header: str) -> None:
        key = key_of(installation)
        answer = client.post(URL, json=WISH, headers={"Authorization": header.format(key=key)})
        assert answer.status_code == 401
        assert key[3:] not in answer.text
        assert installation.ledger.verify().images == 0

    def test_every_address_of_the_gateway_is_behind_it(self, client: TestClient, installation: Installation) -> None:
        key_of(installation)
        paths = client.get("/openapi.json").json()["paths"]
        gated = [path for path in paths if path.startswith(("/v1/images/", "/v1/models", "/v1/moderations"))]
        assert URL in gated
        for path in gated:
            for method, told in paths[path].items():
                assert client.request(method, path, json=WISH).status_code == 401, (method, path)
                assert {"tenantKey": []} in told["security"]

    def test_the_key_comes_before_what_is_wrong_with_the_order(
        self, client: TestClient, installation: Installation
    ) -> None:
        key_of(installation)
        assert client.post(URL, json={"no": "order"}).status_code == 401

    def test_after_its_end_a_key_is_refused_at_once_and_nobody_else_gets_in(
        self, client: TestClient, installation: Installation
    ) -> None:
        old = key_of(installation)
        new = installation.tenants.rotate("acme").key
        assert client.post(URL, json=WISH, headers=bearer(old)).status_code == 401
        assert client.post(URL, json=WISH, headers=bearer(new)).status_code == 200
        installation.tenants.remove("acme")
        assert client.post(URL, json=WISH, headers=bearer(new)).status_code == 401
        assert client.post(URL, json=WISH).status_code == 401

    def test_the_scheme_is_in_the_schema(self, client: TestClient) -> None:
        schema = client.get("/openapi.json").json()
        assert schema["components"]["securitySchemes"]["tenantKey"]["scheme"] == "bearer"
        assert "401" in schema["paths"][URL]["post"]["responses"]

    def test_keys_are_in_no_log(
        self, client: TestClient, installation: Installation, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from service.kit import logs

        logs.configure("debug")
        key = key_of(installation)
        client.post(URL, json=WISH, headers=bearer(key))
        client.post(URL, json=WISH, headers=bearer(key + "x"))
        logs.configure("error")
        out, err = capfd.readouterr()
        assert "released" in err
        assert key[11:] not in out + err

    def test_a_database_that_is_gone_opens_nothing(self, client: TestClient, installation: Installation) -> None:
        with engine_of(installation.ledger).begin() as connection:
            connection.exec_driver_sql("ALTER TABLE tenants RENAME TO lost")
        assert client.post(URL, json=WISH).status_code == 503


class TestTheExaminer:
    def test_it_is_open_to_everybody(self, client: TestClient, installation: Installation) -> None:
        key_of(installation)
        assert client.post("/v1/inspect", content=b"x").status_code == 415

    @pytest.mark.parametrize("path", ["/v1/inspect", "/v1/detect"])
    def test_unless_the_operator_keeps_it_to_tenants(self, settings: Settings, path: str) -> None:
        installation = open_installation(settings.model_copy(update={"examiner_needs_key": True}))
        client = TestClient(create_app(installation), raise_server_exceptions=False)
        assert client.post(path, content=b"x").status_code == 401
        key = key_of(installation)
        assert client.post(path, content=b"x").status_code == 401
        assert client.post(path, content=b"x", headers=bearer(key)).status_code == 415
        installation.close()

    def test_notices_need_no_key(self, settings: Settings) -> None:
        installation = open_installation(settings.model_copy(update={"examiner_needs_key": True}))
        client = TestClient(create_app(installation), raise_server_exceptions=False)
        key_of(installation)
        assert client.post("/v1/takedowns", json={}).status_code == 400
        assert client.post("/v1/appeals", json={}).status_code == 400
        assert client.get("/v1/consent/keys").status_code == 200
        installation.close()


class TestLimits:
    def test_a_threshold_refuses_earlier(self, build: Build, installation: Installation) -> None:
        gateway = build(checkers=[Checker(lambda images: [finding(0.4)])])
        assert gateway.release(ORDER)
        with pytest.raises(Unsafe):
            gateway.release(ORDER, client=Client(safety_threshold=0.3))

    def test_and_never_later(self, build: Build) -> None:
        gateway = build(checkers=[Checker(lambda images: [finding(0.6)])])
        for lax in (Client(safety_threshold=1.0), Client()):
            with pytest.raises(Unsafe):
                gateway.release(ORDER.model_copy(update={"safety_threshold": 1.0}), client=lax)

    def test_an_order_tightens_its_tenant(self, build: Build) -> None:
        gateway = build(checkers=[Checker(lambda images: [finding(0.2)])])
        with pytest.raises(Unsafe):
            gateway.release(ORDER.model_copy(update={"safety_threshold": 0.1}), client=Client(safety_threshold=0.3))

    @settings(max_examples=20, deadline=None, suppress_health_check=UNSUITABLE)
    @given(st.floats(0.01, 1), st.floats(0.01, 1), st.none() | st.floats(0.01, 1))
    def test_the_strictest_threshold_counts(
        self, build: Build, score: float, tenant: float, asked: float | None
    ) -> None:
        gateway = build(checkers=[Checker(lambda images: [finding(score)])])  # the operator's is 0.5
        order = ORDER.model_copy(update={"safety_threshold": asked})
        client = Client(safety_threshold=tenant)
        if score >= min(0.5, tenant, asked or 1.0):
            with pytest.raises(Unsafe):
                gateway.release(order, client=client)
        else:
            assert gateway.release(order, client=client)

    def test_fewer_pictures(self, client: TestClient, installation: Installation) -> None:
        few = bearer(key_of(installation, max_images=1))
        answer = client.post(URL, json={**WISH, "n": 2}, headers=few)
        assert (answer.status_code, "at most 1" in answer.text) == (400, True)
        many = bearer(key_of(installation, "many", max_images=10))
        assert client.post(URL, json={**WISH, "n": 5}, headers=many).status_code == 400  # the setting is 4

    def test_a_wider_review_zone(self, installation: Installation) -> None:
        likeness = Likeness(installation.consent, ByColour, 0.0, "default")
        enrolled(installation.consent)
        near = portrait((250, 110, 0))  # .44 away
        assert likeness.check_output(near, ()) == ()
        with pytest.raises(LikenessHeld):
            likeness.check_output(near, (), 0.5)


# Grants.


class Portraits(Painter):
    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        on_step(1, 1)
        return portrait(ANN, job.width)


@pytest.fixture
def portraits(build: Build, installation: Installation) -> Gateway:
    installation.likeness = Likeness(installation.consent, ByColour, 0.5, "default")
    installation._gateway = build(Portraits(), likeness=installation.likeness)
    return installation._gateway


def granted(installation: Installation, grantee: str) -> Grant:
    subject = enrolled(installation.consent).subject
    return installation.consent.grants.give(subject, "a poster", ["portrait"], grantee, dt.timedelta(days=1))


def test_a_grant_to_one_tenant_does_not_serve_another(portraits: Gateway, installation: Installation) -> None:
    given = granted(installation, "acme")
    acme = installation.tenants.client(key_of(installation, "acme"))
    other = installation.tenants.client(key_of(installation, "other"))
    order = Order(prompt="a portrait", seed=1, grants=(given.id,))
    for stranger in (other, Client()):
        with pytest.raises(LikenessRefused, match="somebody else"):
            portraits.release(order, client=stranger)
    released = portraits.release(order, client=acme)
    assert released.admitted.client == acme
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert json.loads(decision.body)["tenant"] == "acme"


def test_a_grant_to_the_installation_does_not_serve_a_tenant(portraits: Gateway, installation: Installation) -> None:
    given = granted(installation, "default")
    acme = installation.tenants.client(key_of(installation, "acme"))
    order = Order(prompt="a portrait", seed=1, grants=(given.id,))
    with pytest.raises(LikenessRefused):
        portraits.release(order, client=acme)
    released = portraits.release(order)
    assert "tenant" not in json.loads(installation.ledger.decided(released.admitted.content_id)[0].body)


def test_the_same_over_http(portraits: Gateway, installation: Installation) -> None:
    given = granted(installation, "acme")
    acme, other = bearer(key_of(installation, "acme")), bearer(key_of(installation, "other"))
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    wish = {"prompt": "a portrait", "grants": [given.id]}
    refused = client.post(URL, json=wish, headers=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "likeness_refused")
    (decision,) = installation.ledger.decided(refused.json()["appeal"])
    assert json.loads(decision.body)["tenant"] == "other"
    assert client.post(URL, json=wish, headers=acme).status_code == 200
    assert [one["id"] for one in client.get("/v1/consent/grants", headers=acme).json()] == [given.id]
    assert client.get("/v1/consent/grants", headers=other).json() == []
    assert client.get("/v1/consent/grants").status_code == 401


@pytest.mark.parametrize("end", ["remove", "rotate"])
def test_what_is_drawn_while_the_key_ends_is_not_released(
    gateway: Gateway, installation: Installation, end: str
) -> None:
    acme = installation.tenants.client(key_of(installation))
    done: list[object] = []

    def on_step(step: int, total: int) -> None:
        if not done:
            done.append(getattr(installation.tenants, end)("acme"))

    with pytest.raises(ClientRemoved):
        gateway.release(ORDER, ReleaseObserver(on_step=on_step), acme)
    assert done
    assert installation.ledger.verify().images == 0


# The command line.


def tenants(*words: str) -> Result:
    return runner.invoke(app, ["tenants", *words])


def test_a_tenant_from_its_key_to_its_end(tmp_path: Path) -> None:
    done = tenants("add", "acme", "--safety-threshold", "0.3", "--likeness-review-distance", "0.6", "--json")
    assert done.exit_code == 0, done.output
    key = json.loads(done.stdout)["key"]
    assert key.startswith("cm_")
    (listed,) = (json.loads(line) for line in tenants("list", "--json").stdout.splitlines())
    assert (listed["name"], listed["prefix"], listed["safety_threshold"]) == ("acme", key[:11], 0.3)
    assert key not in tenants("list").stdout
    rotated = tenants("rotate", "acme").stdout.strip()
    assert rotated.startswith("cm_")
    assert rotated != key
    assert json.loads(tenants("remove", "acme", "--json").stdout) == {"removed": "acme"}
    assert tenants("rotate", "acme").exit_code != 0
    assert "acme" in tenants("list").stdout


def test_what_cannot_be_added_is_told() -> None:
    assert isinstance(tenants("add", "a b").exception, BadRequest)
    assert isinstance(tenants("add", "acme", "--max-images", "0").exception, BadRequest)
    assert isinstance(tenants("add", "acme", "--safety-threshold", "2").exception, BadRequest)
    assert isinstance(tenants("add", "default").exception, BadRequest)
    assert tenants("list", "--json").stdout == ""
