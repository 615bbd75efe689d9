"""POST /v1/images/edits: OpenAI's form in, our guarantees around it."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.api import create_app
from service.api.generation_requests import ImageEditRequest
from service.examiner.sections import Edited
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits, decode, encode
from tests.integration.test_consent import FIELDS, Portraits, enlarged, grant
from tests.integration.test_edits import ANNS, SKY, Plain, mask
from tests.support.adapters import listed
from tests.support.gateway import Build
from tests.support.pairwise import Combination, combinations
from tests.support.people import ANN, enrolled, portrait

URL = "/v1/images/edits"


@pytest.fixture
def client(build: Build, installation: Installation, likeness: Likeness) -> TestClient:
    installation._gateway = build(Plain(), likeness=likeness)
    return TestClient(create_app(installation), raise_server_exceptions=False)


def send(client: TestClient, files: dict[str, bytes], **fields: Any) -> Any:
    data = {"prompt": "more discs", **fields}
    return client.post(URL, data=data, files={name: (f"{name}.png", data) for name, data in files.items()})


def test_a_picture_is_changed(client: TestClient, installation: Installation) -> None:
    answer = send(client, {"image": SKY, "mask": mask()}, seed="3", n="1", size="256x256", stream="false")
    assert answer.status_code == 200, answer.text
    data = base64.b64decode(answer.json()["data"][0]["b64_json"])
    assert decode(data, ImageLimits(1 << 24, 1 << 24)).size == (256, 256)
    assert answer.json()["countermark"]["images"][0]["seed"] == 3
    said = answer.json()["countermark"]["images"][0]["edit"]
    assert (said["pixels"], said["generated"], said["threshold"]) == (65536, 32768, 8)
    assert 0 < said["changed"] <= 32768
    report = installation.examiner.examine(data)
    assert report.verdict == "edited_here"
    assert report.matched[0].issued.edit == Edited(**said)


def hole(top: int, bottom: int) -> bytes:
    """SKY with these rows transparent, as PNG."""
    rgba = np.dstack([portrait((128, 128, 128)), np.full((256, 256), 255, np.uint8)])
    rgba[top:bottom] = 0
    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "PNG")
    return out.getvalue()


def test_without_a_mask_the_transparent_part_is_filled(client: TestClient) -> None:
    answer = send(client, {"image": hole(100, 200)}, size="256x256")
    assert answer.status_code == 200, answer.text
    image = answer.json()["countermark"]["images"][0]
    assert image["edit"]["generated"] == 100 * 256
    assert any("transparent pixels" in warning for warning in image["warnings"])
    after = decode(base64.b64decode(answer.json()["data"][0]["b64_json"]), ImageLimits(1 << 24, 1 << 24)).rgb
    apart = np.abs(portrait((128, 128, 128)).astype(int) - after).mean(axis=(1, 2))
    assert apart[:90].mean() < 4 < 10 < apart[110:190].mean()  # outside, the mark alone


def test_an_edit_of_almost_nothing_is_refused(client: TestClient, installation: Installation) -> None:
    tiny = np.zeros((256, 256, 3), np.uint8)
    tiny[:8, :8] = 255
    refused = send(client, {"image": SKY, "mask": encode(tiny, "png")[0]}, size="256x256")
    assert (refused.status_code, refused.json()["code"]) == (422, "edit_too_small")
    assert "64 of 65,536 px" in refused.json()["detail"]
    assert refused.json()["appeal"]
    assert send(client, {"image": hole(0, 2)}, size="256x256").json()["code"] == "edit_too_small"
    assert installation.ledger.verify().images == 0


def test_the_photograph_that_was_edited_is_accused_of_nothing(client: TestClient, installation: Installation) -> None:
    part = np.zeros((256, 256, 3), np.uint8)
    part[:27, -27:] = 255
    answer = send(client, {"image": SKY, "mask": encode(part, "png")[0]}, size="256x256", seed="9")
    assert answer.status_code == 200, answer.text
    report = installation.examiner.examine(SKY, classify=False)
    assert report.verdict == "inconclusive"
    assert "edit_matched" in [reason.code for reason in report.reasons]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_needs_a_grant_too(client: TestClient, installation: Installation, turns: int) -> None:
    turned = encode(np.ascontiguousarray(np.rot90(portrait(ANN), turns)), "png")[0]
    refused = send(client, {"image": turned})
    assert (refused.status_code, refused.json()["code"]) == (403, "likeness_refused")
    allowed = grant(installation, enrolled(installation.consent).subject, scopes=["edit"])
    assert send(client, {"image": turned}, grants=[allowed.id]).status_code == 200


def test_a_face_needs_a_grant(client: TestClient, installation: Installation) -> None:
    refused = send(client, {"image": ANNS})
    assert (refused.status_code, refused.json()["code"]) == (403, "likeness_refused")
    assert refused.json()["appeal"]
    allowed = grant(installation, enrolled(installation.consent).subject, scopes=["edit"])
    for name in ("grants", "grants[]"):
        assert send(client, {"image": ANNS}, **{name: [allowed.id]}).status_code == 200


def test_references_alone_will_do(client: TestClient) -> None:
    files = [("reference", ("a.png", SKY)), ("reference[]", ("b.png", SKY))]
    answer = client.post(URL, data={"prompt": "discs", "reference_scale": "0.4"}, files=files)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("files", "fields", "code"),
    [
        ({}, {}, "bad_request"),
        ({"mask": SKY}, {}, "bad_request"),
        ({"image": SKY, "video": SKY}, {}, "bad_request"),
        ({"image": SKY}, {"mask": "text"}, "bad_request"),
        ({"image": SKY}, {"strength": "0"}, "bad_request"),
        ({"image": SKY}, {"reference_scale": "0.5"}, "bad_request"),
        ({"image": SKY}, {"reference": "text"}, "bad_request"),
        ({"image": SKY}, {"strength": "nan"}, "bad_request"),
        ({"image": SKY}, {"safety_checker": "none"}, "bad_request"),
        ({"image": SKY}, {"seed": ["1", "2"]}, "bad_request"),
        ({"image": SKY}, {"stream": "maybe"}, "bad_request"),
        ({"image": SKY[:300]}, {}, "broken_picture"),
        ({"image": b"text"}, {}, "unsupported_format"),
    ],
)
def test_what_cannot_be_used_is_said(
    client: TestClient, files: dict[str, bytes], fields: dict[str, object], code: str
) -> None:
    answer = send(client, files, **fields)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code


def test_only_a_form_will_do(client: TestClient) -> None:
    assert client.post(URL, json={"prompt": "x"}).json()["code"] == "bad_request"


def test_further_pictures_are_references_and_need_an_ip_adapter(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [("image[]", ("a.png", SKY)), ("image[]", ("b.png", ANNS))]
    assert client.post(URL, data={"prompt": "x"}, files=files).json()["code"] == "likeness_refused"
    monkeypatch.setattr(Plain, "reference_digest", "0" * 64)
    assert client.post(URL, data={"prompt": "x"}, files=[files[0]] * 2).status_code == 200
    monkeypatch.setattr(Plain, "reference_digest", "")
    answer = client.post(URL, data={"prompt": "x"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert "takes 1 input image" in answer.json()["detail"]


def test_the_openapi_document_shows_the_form(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"][URL]["post"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {*ImageEditRequest.model_fields, "image", "mask", "reference"}
    assert set(schema["required"]) == {"prompt"}


# No field of a form skips consent or safety.

FORM: dict[str, list[Any]] = {
    **{name: values for name, values in FIELDS.items() if name != "grants"},
    "strength": [None, 0.5, 1.0],
    "reference_scale": [None, 0.5],
    "image": [ANNS],
    "mask": [None, mask()],
    "reference": [SKY, ANNS],
    "grants": [[], ["G-0000-0000-0000-0000"]],
}


def forms() -> Iterator[Combination]:
    """Every pair of values of two fields at least once."""
    return combinations(FORM, lambda form: not enlarged(form))


def test_the_matrix_knows_every_field_of_the_form() -> None:
    assert set(FORM) == {*ImageEditRequest.model_fields, "image", "mask", "reference"}


def test_no_form_brings_a_face_in(client: TestClient, installation: Installation, tmp_path: Path) -> None:
    listed(installation, tmp_path / "style.safetensors")
    codes = set()
    for form in forms():
        files = {name: form[name] for name in ("image", "mask", "reference") if form[name]}
        fields = {name: _text(value) for name, value in form.items() if name not in files and value not in (None, [])}
        answer = send(client, files, **fields)
        assert 400 <= answer.status_code < 500, fields
        if enlarged(form):
            assert answer.json()["code"] == "bad_request"
            continue
        codes.add(answer.json()["code"])
    assert codes == {"likeness_refused"}
    assert installation.ledger.verify().images == 0


def test_what_is_drawn_on_a_picture_is_screened_too(
    build: Build, installation: Installation, likeness: Likeness
) -> None:
    enrolled(installation.consent)
    gateway: Gateway = build(Portraits(), likeness=likeness)
    installation._gateway = gateway
    answer = send(TestClient(create_app(installation)), {"image": SKY})
    assert answer.json()["code"] == "likeness_refused"


def _text(value: object) -> object:
    return value if isinstance(value, list) else json.dumps(value).strip('"')
