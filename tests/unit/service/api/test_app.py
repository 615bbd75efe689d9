import gc
import weakref

from fastapi.testclient import TestClient

from service import __version__
from service.api import create_app
from service.installation import Installation


def test_it_names_itself_and_its_version(installation: Installation) -> None:
    document = create_app(installation).openapi()
    assert document["info"]["title"] == "Countermark"
    assert document["info"]["version"] == __version__
    assert "application/problem+json" in document["info"]["description"]


def test_rate_limits_can_be_switched_off(installation: Installation) -> None:
    assert "RateLimit" in middleware(installation)
    installation.settings.__dict__["requests_per_minute"] = 0
    assert "RateLimit" not in middleware(installation)


def middleware(installation: Installation) -> list[str]:
    return [getattr(each.cls, "__name__", "") for each in create_app(installation).user_middleware]


def test_the_installation_outlives_the_application(installation: Installation) -> None:
    for _ in range(2):
        with TestClient(create_app(installation)) as client:
            assert client.get("/readyz").status_code == 200


def test_forms_may_be_a_little_larger_than_the_largest_file(installation: Installation) -> None:
    installation.settings.__dict__["max_bytes"] = 1000
    client = TestClient(create_app(installation))
    assert client.post("/v1/inspect", content=bytes(1000 + (1 << 16))).json()["code"] == "unsupported_format"
    refused = client.post("/v1/inspect", content=bytes(1001 + (1 << 16))).json()
    assert "the body has more than" in refused["detail"]


def test_an_application_that_nobody_uses_is_collected(installation: Installation) -> None:
    """FastAPI keeps what it knows of every endpoint: one that closed over its application would never be freed."""
    app = create_app(installation)
    TestClient(app).get("/healthz")
    unused = weakref.ref(app)
    del app
    gc.collect()
    assert unused() is None


ORIGIN = "https://pages.example.com"


def test_pages_of_other_origins_may_not_call_it(installation: Installation) -> None:
    client = TestClient(create_app(installation))
    asked = client.options("/v1/inspect", headers={"origin": ORIGIN, "access-control-request-method": "POST"})
    assert asked.status_code == 405
    assert "access-control-allow-origin" not in client.get("/healthz", headers={"origin": ORIGIN}).headers


def test_unless_the_operator_names_them(installation: Installation) -> None:
    installation.settings.__dict__["cors_origins"] = (ORIGIN,)
    client = TestClient(create_app(installation))
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    asked = client.options("/v1/inspect", headers={"origin": ORIGIN, **asking})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "access-control-allow-credentials" not in asked.headers
    other = client.get("/healthz", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
