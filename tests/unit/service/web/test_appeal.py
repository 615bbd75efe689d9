import re

from fastapi.testclient import TestClient

from service.api.rate_limits import is_limited
from service.installation import Installation


def refused(client: TestClient) -> str:
    """The content id of a refusal."""
    page = client.post("/generate", files={"prompt": (None, "a lake")}).text
    found = re.search(r'name="content_id" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_refusal_is_appealed_from_its_page(refusing_client: TestClient, installation: Installation) -> None:
    sent = {
        "content_id": refused(refusing_client),
        "statement": "a harmless lake",
        "contact": "me@example.org",
    }
    page = refusing_client.post("/appeal", files={name: (None, value) for name, value in sent.items()})
    assert page.status_code == 201
    (filed,) = installation.appeals.list()
    assert filed.id in page.text
    assert (filed.about, filed.subject) == ("refusal", sent["content_id"])
    assert filed.personal["statement"] == sent["statement"]
    assert "me@example.org" not in page.text


def test_what_cannot_be_appealed(refusing_client: TestClient, installation: Installation) -> None:
    for sent, status in (
        ({"content_id": "urn:uuid:0", "statement": "x"}, 404),
        ({"content_id": refused(refusing_client)}, 400),
        ({}, 400),
    ):
        page = refusing_client.post("/appeal", files={"none": (None, "x"), **{k: (None, v) for k, v in sent.items()}})
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert 'href="/generate"' in page.text
    assert not list(installation.appeals.list())


def test_it_is_limited_as_the_api_is() -> None:
    assert is_limited("/appeal")
    assert is_limited("/v1/appeals")


def test_another_site_cannot_appeal(refusing_client: TestClient) -> None:
    page = refusing_client.post("/appeal", files={"x": (None, "x")}, headers={"sec-fetch-site": "cross-site"})
    assert page.status_code == 400
