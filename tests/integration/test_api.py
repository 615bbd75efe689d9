"""The HTTP API, through its own application and through OpenAI's client."""

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import jsonschema
import numpy as np
import openai
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from service.api import create_app
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation
from tests.assets import hostile
from tests.support import waiting
from tests.support.database import engine_of
from tests.support.gateway import Build
from tests.support.painter import Checker, Misbehaving, Painter, finding, landscape
from watermark.errors import WatermarkNotReadable

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
URL = "/v1/images/generations"


@pytest.fixture
def client(painted_installation: Installation) -> TestClient:
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["code"] == code
    assert body["hint"]
    assert body["instance"] == response.headers["x-request-id"]
    assert set(body["error"]) == {"message", "type", "param", "code"}  # type: ignore[call-overload]
    return body


class TestGenerations:
    def test_in_openais_shape(self, client: TestClient, installation: Installation) -> None:
        body = client.post(URL, json={"prompt": "a lake", "n": 2, "seed": 5}).json()
        assert body["size"] == "256x256"
        assert body["output_format"] == "png"
        assert len(body["data"]) == 2
        for k, (image, fact) in enumerate(zip(body["data"], body["countermark"]["images"], strict=True)):
            data = base64.b64decode(image["b64_json"])
            assert hashlib.sha256(data).hexdigest() == fact["sha256"]
            assert fact["seed"] == 5 + k
            assert installation.ledger.by_sha256(fact["sha256"]) is not None

    def test_null_is_the_default(self, client: TestClient) -> None:
        body = client.post(URL, json={"prompt": "x", "n": None, "size": None}).json()
        assert len(body["data"]) == 1

    def test_url_is_a_data_url(self, client: TestClient) -> None:
        body = client.post(URL, json={"prompt": "x", "response_format": "url", "output_format": "webp"}).json()
        assert body["data"][0]["url"].startswith("data:image/webp;base64,")
        assert "b64_json" not in body["data"][0]

    @pytest.mark.parametrize(
        "fields",
        [
            {"safety_checker": None},
            {"output_type": "latent"},
            {"latents": []},
            {"partial_images": 4},
            {"stream": "true"},
            {"moderation": "off"},
            {"background": "transparent"},
            {"n": 0},
            {"n": 11},
            {"n": "2"},
            {"size": "huge"},
            {"size": "100x100"},
            {"size": "0000x0000"},
            {"seed": -1},
            {"seed": 2**63},
            {"guidance_scale": 1e9},
            {"guidance_scale": 10**400},
            {"size": "64x64"},
            {"num_inference_steps": 100000},
            {"prompt": ""},
            {"prompt": None},
            {"prompt": ["a"]},
            {"prompt": "x" * 3000},
            {"model": "dall-e-4"},
            {"output_format": "bmp"},
            {"response_format": "file"},
        ],
    )
    def test_what_it_does_not_take(
        self, client: TestClient, installation: Installation, fields: dict[str, object]
    ) -> None:
        response = client.post(URL, json={"prompt": "a lake", **fields})
        body = problem(response, 400, "bad_request")
        assert "data" not in body
        assert installation.ledger.verify().images == 0

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"null"])
    def test_what_is_no_json_object(self, client: TestClient, body: bytes) -> None:
        problem(client.post(URL, content=body, headers={"content-type": "application/json"}), 400, "bad_request")

    def test_more_than_the_operator_allows(self, client: TestClient) -> None:
        problem(client.post(URL, json={"prompt": "x", "n": 5}), 400, "bad_request")

    def test_a_refusal_is_openais_and_has_no_data(self, painted_installation: Installation, build: Build) -> None:
        painted_installation._gateway = build(checkers=[Checker(lambda images: [finding(0.9)])])
        client = TestClient(create_app(painted_installation))
        body = problem(client.post(URL, json={"prompt": "x", "n": 2}), 400, "moderation_blocked")
        assert body["error"]["type"] == "image_generation_user_error"  # type: ignore[index]
        assert "data" not in body

    def test_one_refusal_of_two_is_told(self, painted_installation: Installation, build: Build) -> None:
        unsafe = landscape(6, 256, 256)  # by the picture: two are screened at once, in any order
        checker = Checker(lambda images: [finding(0.9 if np.array_equal(images[0], unsafe) else 0.1)])
        painted_installation._gateway = build(checkers=[checker])
        body = TestClient(create_app(painted_installation)).post(URL, json={"prompt": "x", "n": 2, "seed": 5}).json()
        assert len(body["data"]) == 1
        (refusal,) = body["countermark"]["refusals"]
        assert (refusal["index"], refusal["code"]) == (1, "moderation_blocked")
        assert "scripted nsfw 0.90" in refusal["message"]

    def test_an_unmarkable_picture_is_422_and_not_worth_trying_again(
        self, painted_installation: Installation, build: Build
    ) -> None:
        class Drowns:
            ALGORITHM = painted_installation.codec.ALGORITHM

            def embed(self, rgb: np.ndarray, mark_id: int) -> np.ndarray:
                raise WatermarkNotReadable("it drowns the mark")

        painted_installation._gateway = build(codec=Drowns())
        response = TestClient(create_app(painted_installation)).post(URL, json={"prompt": "x"})
        body = problem(response, 422, "unmarkable")
        assert body["error"]["type"] == "image_generation_user_error"  # type: ignore[index]
        assert "retry-after" not in response.headers

    def test_a_failed_stage_is_503_with_retry_after(self, painted_installation: Installation, build: Build) -> None:
        painted_installation._gateway = build(Misbehaving(lambda job: None))
        response = TestClient(create_app(painted_installation)).post(URL, json={"prompt": "x"})
        problem(response, 503, "stage_failed")
        assert int(response.headers["retry-after"]) > 0

    def test_without_torch_another_model_says_what_to_install(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        import sys

        installation.settings = installation.settings.model_copy(update={"pipeline": str(tmp_path)})
        for name in ("torch", "diffusers"):
            monkeypatch.setitem(sys.modules, name, None)
        body = problem(TestClient(create_app(installation)).post(URL, json={"prompt": "x"}), 503, "unavailable")
        assert "countermark[generate]" in str(body["hint"])


class TestInspect:
    def test_raw_and_form_give_the_same_report(
        self, client: TestClient, gateway: Gateway, installation: Installation
    ) -> None:
        data = gateway.release(Order(prompt="a lake", seed=1)).data
        raw = client.post("/v1/inspect", content=data, headers={"content-type": "image/png"})
        form = client.post("/v1/inspect", files={"file": ("lake.png", data, "image/png")})
        assert raw.status_code == form.status_code == 200
        assert raw.json()["file"] == "-"
        assert form.json()["file"] == "lake.png"
        assert {**raw.json(), "file": ""} == {**form.json(), "file": ""}
        assert raw.json()["verdict"] == "issued_here"
        jsonschema.validate(raw.json(), SCHEMA)

    @pytest.mark.parametrize("case", [c for c in hostile.cases() if c.error], ids=lambda case: case.name)
    def test_hostile_files(self, client: TestClient, case: hostile.Case) -> None:
        response = client.post("/v1/inspect", content=case.data)
        if case.name == "too_many_bytes":  # the limit here is larger; bytes behind the end are no damage
            assert response.status_code == 200
            return
        if case.images:  # not to be used, but to be examined
            assert response.json()["asset"]["frames"] == case.images
            return
        if case.name in ("svg", "pdf"):  # may carry a credential
            report = response.json()
            assert report["asset"]["not_examined"] == "the file is not an image in a supported format"
            assert (report["verdict"], report["outcome"]) == ("inconclusive", "nothing_found")
            return
        assert case.error is not None
        problem(response, case.error.status, case.error.code)

    def test_too_many_bytes(self, installation: Installation) -> None:
        installation.settings.__dict__["max_bytes"] = 100_000
        client = TestClient(create_app(installation))
        problem(client.post("/v1/inspect", content=bytes(200_000)), 413, "too_large")
        pieces = (bytes(10_000) for _ in range(30))  # no Content-Length
        problem(client.post("/v1/inspect", content=pieces), 413, "too_large")
        order = (b" " * 10_000 for _ in range(30))
        kind = {"content-type": "application/json"}
        problem(client.post(URL, content=order, headers=kind), 413, "too_large")

    def test_a_form_without_a_file(self, client: TestClient) -> None:
        problem(client.post("/v1/inspect", files={"picture": ("a.png", b"x")}), 400, "bad_request")
        problem(client.post("/v1/inspect", files=[("file", b"x"), ("file", b"y")]), 400, "bad_request")
        broken = {"content-type": "multipart/form-data; boundary=x"}
        problem(client.post("/v1/inspect", content=b"garbage", headers=broken), 400, "bad_request")


class TestOperations:
    def test_not_ready_without_the_ledger(
        self, painted_installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from service.kit.errors import Unavailable

        def gone() -> int:
            raise Unavailable("the ledger cannot be read: gone")

        monkeypatch.setattr(painted_installation.ledger, "ready", gone)
        client = TestClient(create_app(painted_installation))
        problem(client.get("/readyz"), 503, "unavailable")

    def test_a_ledger_that_lost_its_tables_is_unavailable(
        self, client: TestClient, painted_installation: Installation
    ) -> None:
        with engine_of(painted_installation.ledger).begin() as connection:
            connection.exec_driver_sql("DROP TABLE images")
            connection.exec_driver_sql("DROP TABLE decisions")
        problem(client.get("/readyz"), 503, "unavailable")
        problem(client.post("/v1/inspect", content=hostile.save(hostile.picture(), "PNG")), 503, "unavailable")
        problem(client.post(URL, json={"prompt": "x"}), 503, "unavailable")

    def test_request_ids(self, client: TestClient) -> None:
        assert client.get("/healthz", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
        own = client.get("/healthz", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
        assert len(own) == 32

    def test_unknown_addresses_and_methods(self, client: TestClient) -> None:
        problem(client.get("/no/such"), 404, "not_found")
        assert client.get(URL).status_code == 405

    def test_a_bug_is_a_problem_without_details(
        self, painted_installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def bug(*args: object) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(painted_installation.examiner, "examine", bug)
        response = TestClient(create_app(painted_installation), raise_server_exceptions=False).post(
            "/v1/inspect", content=b"x"
        )
        assert response.status_code == 500
        assert response.json()["code"] == "internal"
        assert response.headers["x-request-id"] == response.json()["instance"]
        assert "secret" not in response.text

    def test_openapi(self, client: TestClient) -> None:
        spec = client.get("/openapi.json").json()
        assert {URL, "/v1/inspect", "/healthz", "/readyz"} <= spec["paths"].keys()
        post = spec["paths"][URL]["post"]
        assert {"200", "400", "503"} <= post["responses"].keys()
        assert spec["components"]["schemas"]["ImageGenerationRequest"]["examples"]
        assert "multipart/form-data" in spec["paths"]["/v1/inspect"]["post"]["requestBody"]["content"]
        assert "HTTPValidationError" not in str(spec)
        assert "Problem" in str(post["responses"]["422"])  # unmarkable; FastAPI's own is never answered
        assert "422" in spec["paths"]["/v1/inspect"]["post"]["responses"]  # a broken picture

    def test_the_page_loads_nothing_from_elsewhere(self, client: TestClient) -> None:
        page = client.get("/docs").text
        assert "swagger" in page.lower()
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(loaded) == 3
        assert all(client.get(address).status_code == 200 for address in loaded)
        assert "https://" not in page
        assert client.get("/docs/assets/../app.py").status_code == 404
        assert client.get("/redoc").status_code == 404


class TestAServer:
    """A real server on a real port."""

    @pytest.fixture
    def address(self, painted_installation: Installation) -> Iterator[str]:
        with waiting.served(create_app(painted_installation)) as address:
            yield address

    def test_the_official_client(self, address: str) -> None:
        client = openai.OpenAI(base_url=address + "/v1", api_key="none")
        response = client.images.generate(
            prompt="a lake", n=2, size="256x256", response_format="b64_json", extra_body={"seed": 5}
        )
        assert response.created
        assert response.data is not None
        for image in response.data:
            assert image.b64_json is not None
            drawn = Image.open(io.BytesIO(base64.b64decode(image.b64_json)))
            assert drawn.size == (256, 256)
        assert response.model_extra is not None
        assert response.model_extra["countermark"]["images"][0]["seed"] == 5

    def test_the_official_client_reads_refusals(
        self, address: str, painted_installation: Installation, build: Build
    ) -> None:
        painted_installation._gateway = build(checkers=[Checker(lambda images: [finding(0.9)])])
        client = openai.OpenAI(base_url=address + "/v1", api_key="none")
        with pytest.raises(openai.BadRequestError) as caught:
            client.images.generate(prompt="x")
        assert caught.value.code == "moderation_blocked"

    def test_a_caller_who_leaves_cancels(
        self, address: str, painted_installation: Installation, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, left = threading.Event(), waiting.seen_leaving(monkeypatch)

        class Slow(Painter):
            def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
                begun.set()
                assert left.wait(waiting.LONGEST)
                on_step(1, job.steps)
                raise AssertionError("nobody stopped it")

        painted_installation._gateway = build(Slow())
        waiting.hang_up(address + URL, begun, b'{"prompt": "x"}')
        waiting.until(painted_installation.ledger.ready)
        with engine_of(painted_installation.ledger).connect() as connection:
            body = connection.exec_driver_sql("SELECT body FROM decisions").scalar()
        assert json.loads(str(body))["code"] == "cancelled"
