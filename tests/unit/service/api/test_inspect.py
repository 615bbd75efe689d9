import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.api.dependencies import services_of
from service.installation import Installation
from tests.assets import hostile, provenance

IMAGE = hostile.save(hostile.picture(), "PNG")


def test_the_report_is_the_examiners(client: TestClient, installation: Installation) -> None:
    response = client.post("/v1/inspect", files={"file": ("a.png", IMAGE)})
    assert response.status_code == 200
    assert response.json() == installation.examiner.examine(IMAGE, "a.png").model_dump(mode="json")


def test_it_needs_a_key_only_if_the_operator_says_so(client: TestClient, installation: Installation) -> None:
    assert client.post("/v1/inspect", content=IMAGE).status_code == 200
    installation.settings.__dict__["examiner_needs_key"] = True
    assert client.post("/v1/inspect", content=IMAGE).status_code == 401


def test_it_runs_in_the_threads_for_images(installation: Installation) -> None:
    app = create_app(installation)
    services_of(app).order_threads.shutdown()
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/v1/inspect", content=IMAGE).status_code == 200
    services_of(app).image_threads.shutdown()
    assert client.post("/v1/inspect", content=IMAGE).json()["code"] == "internal"


def test_it_takes_one_file(client: TestClient) -> None:
    two = [("file", ("a.png", IMAGE)), ("file", ("b.png", IMAGE))]
    assert client.post("/v1/inspect", files=two).json()["code"] == "bad_request"


def test_it_is_busy_when_its_queue_is_full_and_health_is_not(client: TestClient, installation: Installation) -> None:
    limiter = services_of(client.app).examination_capacity  # type: ignore[arg-type]
    assert limiter.capacity == 4 + installation.settings.examination_queue
    with limiter.reserve(limiter.capacity):
        for path in ("/v1/inspect", "/v1/detect"):
            response = client.post(path, content=IMAGE)
            assert (response.status_code, response.json()["code"]) == (429, "busy")
            assert "Nothing was examined" in response.json()["hint"]
            assert int(response.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
    assert client.post("/v1/inspect", content=IMAGE).status_code == 200
    assert client.post("/v1/inspect", content=b"x").status_code == 415
    assert limiter.available == limiter.capacity


def test_a_form_counts_its_files(client: TestClient) -> None:
    limiter = services_of(client.app).examination_capacity  # type: ignore[arg-type]
    files = [("file", (f"{number}.png", IMAGE)) for number in range(3)]
    with limiter.reserve(limiter.capacity - 2):
        assert client.post("/v1/detect", files=files).status_code == 429
        assert client.post("/v1/detect", files=files[:2]).status_code == 200
    assert limiter.available == limiter.capacity


def test_a_document_is_read_for_its_credential(client: TestClient) -> None:
    report = client.post("/v1/inspect", files={"file": ("a.pdf", b"%PDF-1.7\n%%EOF")}).json()
    assert (report["asset"]["mime"], report["claimed"]["integrity"]) == ("application/pdf", "absent")
    assert report["asset"]["not_examined"]


def test_a_credential_may_come_beside_the_file(client: TestClient) -> None:
    store = provenance.stranger().sidecar(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    beside = {"file": ("a.jpg", provenance.jpeg()), "manifest": ("a.c2pa", store)}
    report = client.post("/v1/inspect", files=beside).json()
    claimed = report["claimed"]
    assert (report["file"], claimed["integrity"], claimed["signer"]) == ("a.jpg", "intact", "Stranger Signer")
    assert report["outcome"] == "untrusted"


def test_another_files_credential_is_altered(client: TestClient) -> None:
    store = provenance.stranger().sidecar(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    beside = {"file": ("a.jpg", provenance.jpeg((120, 90))), "manifest": ("a.c2pa", store)}
    report = client.post("/v1/inspect", files=beside).json()
    assert (report["claimed"]["integrity"], report["verdict"]) == ("altered", "tampered")


@pytest.mark.parametrize(
    "parts", [["manifest"], ["file", "manifest", "manifest"], ["file", "file"], ["file", "other"]], ids="+".join
)
def test_a_form_of_other_parts_is_refused(client: TestClient, parts: list[str]) -> None:
    response = client.post("/v1/inspect", files=[(part, ("a.png", IMAGE)) for part in parts])
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


def test_a_document_has_the_size_limit_of_an_image(client: TestClient, installation: Installation) -> None:
    large = b"%PDF-1.7\n" + bytes(installation.settings.max_bytes)
    assert client.post("/v1/inspect", content=large).status_code == 413
