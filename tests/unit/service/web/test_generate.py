import base64
import hashlib
import html
import re

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api.dependencies import services_of
from service.installation import Installation
from service.kit.errors import StageFailed
from tests.support.gateway import Build
from tests.support.painter import Checker, finding

SENT = {"prompt": "a lake", "seed": "5"}


def order(client: TestClient, fields: dict[str, str], **options: str) -> tuple[int, str]:
    page = client.post("/generate", files={name: (None, value) for name, value in fields.items()}, headers=options)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    return page.status_code, html.unescape(page.text)


def test_where_nothing_is_generated_the_page_says_so(client: TestClient) -> None:
    page = client.get("/generate")
    assert page.status_code == 200
    assert "This installation does not generate images" in page.text
    assert "<form" not in page.text
    assert 'href="/generate"' not in client.get("/").text


def test_a_released_image_with_what_was_done(painting_client: TestClient, installation: Installation) -> None:
    assert 'href="/generate"' in painting_client.get("/").text
    status, page = order(painting_client, SENT)
    assert status == 200
    shown = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="The generated image: a lake">', page)
    assert shown is not None
    data = base64.b64decode(shown[1])
    issued = installation.ledger.by_sha256(hashlib.sha256(data).hexdigest())
    assert issued is not None
    for part in (issued.content_id, issued.sha256, f"{issued.mark_id:012x}", "painter"):
        assert part in page
    assert issued.seed == 5


def test_the_very_file_can_be_verified(painting_client: TestClient) -> None:
    _, page = order(painting_client, SENT)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page))
    examined = painting_client.post("/", files={name: (None, value) for name, value in fields.items()})
    assert examined.status_code == 200
    assert "Generated here, by AI" in examined.text
    assert fields["name"] in examined.text


def test_a_refused_prompt_can_be_appealed(refusing_client: TestClient, installation: Installation) -> None:
    status, page = order(refusing_client, SENT)
    assert status == 400
    assert "This prompt was refused" in page
    content_id = re.search(r'name="content_id" value="(urn:uuid:[^"]+)"', page)
    assert content_id is not None
    assert "data:image" not in page.partition("<main")[2]
    assert installation.ledger.verify().decisions == 1


def test_an_unsafe_image_is_not_shown(build: Build, installation: Installation) -> None:
    from service.web import create_app

    installation._gateway = build(checkers=[Checker(lambda images: [finding(0.99) for _ in images])])
    status, page = order(TestClient(create_app(installation), raise_server_exceptions=False), SENT)
    assert status == 400
    assert "The image did not pass the safety checks" in page
    assert '<textarea id="prompt"' in page
    assert ">a lake</textarea>" in page
    assert "data:image/png" not in page


@pytest.mark.parametrize(
    "fields", [{}, {"prompt": "x", "seed": "red"}, {"prompt": "x", "seed": "-1"}, {"prompt": "x", "quality": "best"}]
)
def test_what_is_not_an_order(painting_client: TestClient, installation: Installation, fields: dict[str, str]) -> None:
    status, page = order(painting_client, {"none": "x", **fields})
    assert (status, "Error code bad_request" in page) == (400, True)
    assert installation.ledger.verify().decisions == 0


def test_fields_that_the_page_does_not_have_are_not_read(painting_client: TestClient) -> None:
    assert order(painting_client, {**SENT, "n": "9", "safety_threshold": "1", "stream": "true"})[0] == 200


def test_a_key_where_there_are_tenants(painting_client: TestClient, installation: Installation) -> None:
    assert 'type="password"' not in painting_client.get("/generate").text
    key = installation.tenants.add(Terms(name="acme")).key
    assert 'type="password"' in painting_client.get("/generate").text
    for given in ({}, {"key": "cm_wrong"}):
        status, page = order(painting_client, {**SENT, **given})
        assert (status, "A valid key is needed" in page) == (401, True)
        assert "cm_wrong" not in page
    status, page = order(painting_client, {**SENT, "key": key})
    assert status == 200
    assert key not in page


def test_busy(painting_client: TestClient) -> None:
    capacity = services_of(painting_client.app).order_capacity  # type: ignore[arg-type]
    with capacity.reserve(capacity.capacity):
        page = painting_client.post("/generate", files={"prompt": (None, "a lake")})
    assert (page.status_code, page.headers["retry-after"]) == (429, "10")
    assert "Too busy at the moment" in page.text


def test_a_stage_that_fails_is_a_refusal(
    painting_client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise StageFailed("marking failed", stage="mark")

    monkeypatch.setattr(type(installation.gateway), "release", fails)
    status, page = order(painting_client, SENT)
    assert (status, "Error code stage_failed" in page) == (503, True)


def test_an_order_without_a_gateway_is_an_error_page(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, installation: Installation
) -> None:
    monkeypatch.setattr(type(installation), "gateway", property(lambda self: exec("raise RuntimeError('no gateway')")))
    status, page = order(client, SENT)
    assert (status, "An internal error" in page) == (500, True)
    assert "no gateway" not in page


def test_another_site_cannot_order(painting_client: TestClient, installation: Installation) -> None:
    status, _ = order(painting_client, SENT, **{"sec-fetch-site": "cross-site"})
    assert status == 400
    assert installation.ledger.verify().decisions == 0


def test_a_prompt_is_only_text(painting_client: TestClient) -> None:
    page = painting_client.post("/generate", files={"prompt": (None, '</textarea><script>alert("x")</script>')})
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_german(painting_client: TestClient) -> None:
    _, page = order(painting_client, SENT, **{"accept-language": "de"})
    assert "Ihr Bild" in page
    assert "Selbst nachprüfen" in page
