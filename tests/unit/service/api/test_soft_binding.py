"""The C2PA Soft Binding Resolution API 1.0.0, as its OpenAPI document describes it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api import create_app
from service.examiner.resolution import FINGERPRINT, WATERMARK
from service.gateway.order import Order
from service.gateway.stages import Released
from service.installation import Installation
from service.media.pictures import ImageLimits, decode, encode
from tests.support.openapi import Contract
from tests.support.painter import landscape
from watermark.c2pa import jumbf
from watermark.c2pa.manifest import soft_binding_value

JPEG = {"content-type": "image/jpeg"}


@pytest.fixture
def released(painted_installation: Installation) -> Released:
    return painted_installation.gateway.release(Order(prompt="a lake", seed=1))


@pytest.fixture
def identifier(released: Released) -> str:
    return jumbf.active_manifest(released.proven.signed.manifest).label


@pytest.fixture
def bare(released: Released) -> bytes:
    """The image, saved as JPEG: its manifest is gone."""
    return encode(decode(released.data, ImageLimits(1 << 24, 1 << 24)).rgb, "jpeg")[0]


def test_by_binding(painting_client: TestClient, released: Released, identifier: str) -> None:
    query = {"alg": WATERMARK, "value": soft_binding_value(released.admitted.mark_id)}
    for response in (
        painting_client.get("/v1/matches/byBinding", params=query),
        painting_client.post("/v1/matches/byBinding", params={"maxResults": 1}, json=query),
    ):
        assert (response.status_code, response.json()) == (200, {"matches": [{"manifestId": identifier}]})


def test_nothing_matches(client: TestClient) -> None:
    query = {"alg": WATERMARK, "value": soft_binding_value(1)}
    assert client.get("/v1/matches/byBinding", params=query).json() == {"matches": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "not base64!"},
        {"value": "AAAA"},
        {"alg": "com.example.other"},
        {"maxResults": 0},
        {"maxResults": "many"},
        {"value": None},
        {"alg": None},
    ],
)
def test_queries_that_are_not_valid(client: TestClient, wrong: dict[str, Any]) -> None:
    merged: dict[str, Any] = {"alg": WATERMARK, "value": "AAAAAAAA", "maxResults": 10, **wrong}
    query = {name: value for name, value in merged.items() if value is not None}
    assert client.get("/v1/matches/byBinding", params=query).status_code == 400
    most = query.pop("maxResults", 10)
    assert client.post("/v1/matches/byBinding", params={"maxResults": most}, json=query).status_code == 400


def test_a_query_that_is_too_long(client: TestClient) -> None:
    query = {"alg": WATERMARK, "value": "A" * 4096}
    assert client.get("/v1/matches/byBinding", params=query).status_code == 414
    assert client.post("/v1/matches/byBinding", json=query).status_code == 400  # no such value, but not too long


def test_by_content(painting_client: TestClient, bare: bytes, identifier: str) -> None:
    response = painting_client.post("/v1/matches/byContent", content=bare, headers=JPEG)
    assert response.json() == {"matches": [{"manifestId": identifier, "similarityScore": 100}]}
    (match,) = painting_client.post(
        "/v1/matches/byContent", params={"alg": FINGERPRINT, "maxResults": 3}, content=bare, headers=JPEG
    ).json()["matches"]
    assert match["manifestId"] == identifier
    assert 0 <= match["similarityScore"] <= 100


def test_by_content_with_a_hint(painting_client: TestClient, released: Released, identifier: str) -> None:
    stranger = encode(landscape(50, 256, 256), "jpeg")[0]
    hint = {"hintAlg": WATERMARK, "hintValue": soft_binding_value(released.admitted.mark_id)}
    response = painting_client.post("/v1/matches/byContent", params=hint, content=stranger, headers=JPEG)
    assert response.json() == {"matches": [{"manifestId": identifier}]}
    del hint["hintValue"]
    half = painting_client.post("/v1/matches/byContent", params=hint, content=stranger, headers=JPEG)
    assert half.status_code == 400


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n damaged", b"RIFF....WAVE"])
def test_assets_that_cannot_be_used(client: TestClient, content: bytes) -> None:
    response = client.post("/v1/matches/byContent", content=content, headers={"content-type": "image/png"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_format")


def test_a_manifest_is_fetched_and_validates(
    painting_client: TestClient, released: Released, identifier: str, bare: bytes, painted_installation: Installation
) -> None:
    response = painting_client.get(f"/v1/manifests/{identifier}")
    assert response.headers["content-type"] == "application/c2pa"
    assert response.content == released.proven.signed.manifest
    read = painted_installation.credentials.read(bare, "image/jpeg", response.content)
    assert read.only_bytes_differ
    alone = painting_client.get(f"/v1/manifests/{identifier}", params={"returnActiveManifest": "true"}).content
    assert jumbf.active_manifest(alone).label == identifier


@pytest.mark.parametrize(
    ("identifier", "status"),
    [
        ("urn:c2pa:00000000-0000-0000-0000-000000000000", 404),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", 404),
        ("nonsense", 400),
        ("urn:c2pa:a%20b", 400),
    ],
)
def test_manifests_that_are_not_there(client: TestClient, identifier: str, status: int) -> None:
    assert client.get(f"/v1/manifests/{identifier}").status_code == status


def test_the_algorithms(client: TestClient) -> None:
    assert client.get("/v1/services/supportedAlgorithms").json() == {
        "watermarks": [{"alg": WATERMARK}, {"alg": "org.countermark.tile.1"}],
        "fingerprints": [{"alg": FINGERPRINT}],
    }


def test_a_key_is_needed_where_the_examiner_needs_one(installation: Installation) -> None:
    """Scope `fetch:manifests` of every operation but the list of algorithms."""
    key = installation.tenants.add(Terms(name="acme")).key
    installation.settings = installation.settings.model_copy(update={"examiner_needs_key": True})
    client = TestClient(create_app(installation))
    paths = ("/v1/matches/byBinding?alg=x&value=x", "/v1/manifests/urn:c2pa:1")
    assert [client.get(path).status_code for path in paths] == [401, 401]
    assert client.post("/v1/matches/byContent", content=b"x").status_code == 401
    assert client.get("/v1/services/supportedAlgorithms").status_code == 200
    shown = {"authorization": f"Bearer {key}"}
    assert [client.get(path, headers=shown).status_code for path in paths] == [400, 404]
    assert client.get(paths[1], headers={"authorization": f"Basic {key}"}).status_code == 401


def test_the_document_says_so(installation: Installation) -> None:
    document = Contract(create_app(installation)).document
    assert document["components"]["securitySchemes"]["auth"]["type"] == "oauth2"
    needs = {path: item for path, item in document["paths"].items() if "/matches/" in path or "/manifests/" in path}
    operations = [operation for item in needs.values() for operation in item.values()]
    assert len(operations) == 4
    assert all(operation["security"] == [{"auth": ["fetch:manifests"]}] for operation in operations)
    assert "security" not in document["paths"]["/v1/services/supportedAlgorithms"]["get"]
