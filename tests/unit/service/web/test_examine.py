import base64
import json
import re

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api.dependencies import services_of
from service.examiner.report import Report
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.web.examine import MOST_FILES
from tests.assets import hostile, provenance

IMAGE = hostile.save(hostile.picture(), "PNG")
EVIL = '"><script>alert(1)</script>.png'


def saved(text: str, mime: str) -> bytes:
    """The file that a page offers to be saved."""
    found = re.search(f'href="data:{mime};base64,([^"]+)"', text)
    assert found is not None
    return base64.b64decode(found[1])


def test_the_form_works_without_a_script(client: TestClient) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<form class="card" method="post" action="/" enctype="multipart/form-data"' in page.text
    assert re.search(r'<input id="file" name="file" type="file" multiple', page.text)
    assert 'type="password"' not in page.text


def test_nothing_found_accuses_nobody(client: TestClient) -> None:
    page = client.post("/", files={"file": ("a.png", IMAGE)})
    assert page.status_code == 200
    assert "It does not mean that the image is real, and it does not mean that it is generated." in page.text
    assert page.text.index("Origin unknown") < page.text.index("Claimed: what the file says") < page.text.index("<form")
    assert page.text.count("What this does not prove:") == 4


def test_what_was_issued_here_is_shown_with_its_mark(painting_client: TestClient, gateway: Gateway) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1)).data
    page = painting_client.post("/", files={"file": ("a.png", released)}).text
    assert "Generated here, by AI" in page
    assert "tone-known" in page
    assert page.count('src="data:image/jpeg;base64,') == 2
    assert "Where the watermark remains" in page


def test_what_was_changed_is_shown_without_saying_by_whom(client: TestClient) -> None:
    page = client.post("/", files={"file": ("a.jpg", provenance.broken())}).text
    assert "Changed after it was signed" in page
    assert "This does not say who changed it, or why." in page


def test_the_reports_to_save_are_those_of_the_examiner(client: TestClient, installation: Installation) -> None:
    page = client.post("/", files={"file": ("a.png", IMAGE)}).text
    report = Report.model_validate_json(saved(page, "application/json"))
    assert report == installation.examiner.examine(IMAGE, "a.png")
    html = saved(page, "text/html").decode()
    assert report.asset.sha256 in html
    assert "script-src" not in html
    assert "<script" not in html


def test_several_files_each_with_its_own_result(client: TestClient) -> None:
    files = [("file", (name, data)) for name, data in (("a.png", IMAGE), ("b.txt", b"text"), ("c.png", IMAGE))]
    page = client.post("/", files=files)
    assert page.status_code == 200
    assert page.text.count("data-result>") == 2
    assert page.text.count("data-failure") == 1
    assert page.text.index("a.png") < page.text.index("b.txt") < page.text.index("c.png")
    assert "This kind of file cannot be read" in page.text


def test_one_that_is_no_image_has_its_status(client: TestClient) -> None:
    page = client.post("/", files={"file": ("a.txt", b"text")})
    assert (page.status_code, page.headers["content-type"]) == (415, "text/html; charset=utf-8")
    assert "Error code unsupported_format" in page.text


def test_a_damaged_image_is_no_accusation(client: TestClient) -> None:
    page = client.post("/", files={"file": ("a.png", IMAGE[: len(IMAGE) // 2])})
    assert page.status_code == 422
    assert "The file is damaged or incomplete" in page.text


def test_too_many_bytes(client: TestClient, installation: Installation) -> None:
    page = client.post("/", files={"file": ("a.png", bytes(installation.settings.max_bytes + 70_000))})
    assert (page.status_code, page.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert "The file is too large" in page.text
    assert '<a class="button plain" href="/">Back to the page</a>' in page.text


def test_no_file(client: TestClient) -> None:
    empty = client.post("/", files={"file": ("", b"")})
    assert empty.status_code == 400
    assert "Choose a file first." in empty.text
    bare = client.post("/", content=IMAGE)
    assert bare.status_code == 400
    assert "Error code bad_request" in bare.text


def test_too_many_files(client: TestClient) -> None:
    page = client.post("/", files=[("file", (f"{n}.png", IMAGE)) for n in range(MOST_FILES + 1)])
    assert page.status_code == 400
    assert "Error code bad_request" in page.text


def test_busy(client: TestClient) -> None:
    limiter = services_of(client.app).examination_capacity  # type: ignore[arg-type]
    with limiter.reserve(limiter.capacity):
        page = client.post("/", files={"file": ("a.png", IMAGE)})
    assert (page.status_code, page.headers["retry-after"]) == (429, "10")
    assert "Too busy at the moment" in page.text
    assert "Try again in 10 seconds." in page.text
    assert client.post("/", files={"file": ("a.png", IMAGE)}).status_code == 200
    assert limiter.available == limiter.capacity


def test_it_takes_one_place_however_many_files_there_are(client: TestClient) -> None:
    limiter = services_of(client.app).examination_capacity  # type: ignore[arg-type]
    with limiter.reserve(limiter.capacity - 1):
        files = [("file", (f"{n}.png", IMAGE)) for n in range(2)]
        assert client.post("/", files=files).status_code == 200


def test_a_key_only_if_the_operator_says_so(client: TestClient, installation: Installation) -> None:
    installation.settings.__dict__["examiner_needs_key"] = True
    key = installation.tenants.add(Terms(name="acme")).key
    form = client.get("/").text
    assert '<input id="key" name="key" type="password"' in form
    for given in ({}, {"key": "cm_wrong"}):
        page = client.post("/", files={"file": ("a.png", IMAGE)}, data=given)
        assert page.status_code == 401
        assert "A valid key is needed" in page.text
        assert "Origin unknown" not in page.text
        assert "cm_wrong" not in page.text
    page = client.post("/", files={"file": ("a.png", IMAGE)}, data={"key": key})
    assert page.status_code == 200
    assert key not in page.text


def test_an_image_of_the_page_that_generates(client: TestClient) -> None:
    image = f"data:image/png;base64,{base64.b64encode(IMAGE).decode()}"
    page = client.post("/", files={"image": (None, image), "name": (None, "generated.png")})
    assert page.status_code == 200
    assert json.loads(saved(page.text, "application/json"))["file"] == "generated.png"
    wrong = client.post("/", files={"image": (None, "https://example.org/a.png")})
    assert (wrong.status_code, "bad_request" in wrong.text) == (400, True)


def test_a_name_is_only_text(client: TestClient) -> None:
    for data in (IMAGE, b"text"):
        page = client.post("/", files=[("file", (EVIL, data))]).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 400),
        ({"sec-fetch-site": "same-site"}, 400),
        ({"origin": "https://example.org"}, 400),
        ({"origin": "null"}, 400),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"origin": "http://testserver"}, 200),
    ],
)
def test_only_this_page_may_send_it(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/", files={"file": ("a.png", IMAGE)}, headers=headers).status_code == status


def test_german(client: TestClient) -> None:
    page = client.post("/", files={"file": ("a.png", IMAGE)}, headers={"accept-language": "de-AT,en;q=0.5"}).text
    assert '<html lang="de">' in page
    assert "Herkunft unbekannt" in page
    assert "Die Einzelheiten sind auf Englisch." in page
    assert '<ul lang="en">' in page
    assert "Die Datei trägt kein Content Credential." in page
    assert '<html lang="de">' in saved(page, "text/html").decode()
    assert '<html lang="en">' in client.get("/?lang=en", headers={"accept-language": "de"}).text


def test_the_public_is_counted_once_there_are_keys(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = installation.tenants.add(Terms(name="acme")).key
    services = services_of(client.app)  # type: ignore[arg-type]
    monkeypatch.setattr(services.public_examinations, "_most", 1.0)
    assert client.post("/", files={"file": ("a.png", IMAGE)}).status_code == 200
    page = client.post("/", files={"file": ("a.png", IMAGE)})
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert client.post("/", files={"file": ("a.png", IMAGE)}, data={"key": key}).status_code == 200
