import asyncio

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import FormData, Headers, UploadFile

from service.api.edits import _body, _parts
from service.api.generation_requests import ImageEditRequest
from service.kit.errors import BadRequest

URL = "/v1/images/edits"


def file(data: bytes) -> UploadFile:
    import io

    return UploadFile(io.BytesIO(data), filename="a.png", headers=Headers())


def parts(*items: tuple[str, str | UploadFile]) -> tuple[dict[str, object], dict[str, object]]:
    return asyncio.run(_parts(FormData(list(items))))


def test_parts_are_text_fields_and_files() -> None:
    fields, files = parts(
        ("prompt", "a lake"), ("grants[]", "G-1"), ("grants", "G-2"), ("image", file(b"A")), ("mask", file(b"M"))
    )
    assert fields == {"prompt": "a lake", "grants": ["G-1", "G-2"]}
    assert files == {"image": b"A", "mask": b"M"}


def test_references_may_repeat_and_stand_alone() -> None:
    _, files = parts(("prompt", "a lake"), ("reference", file(b"A")), ("reference[]", file(b"B")))
    assert files == {"references": (b"A", b"B")}


@pytest.mark.parametrize(
    "items",
    [
        [("prompt", "a lake")],
        [("prompt", "a lake"), ("mask", file(b"M"))],
        [("image", "text")],
        [("prompt", file(b"A")), ("image", file(b"A"))],
        [("image", file(b"A")), ("image", file(b"B"))],
        [("prompt", "a"), ("prompt", "b"), ("image", file(b"A"))],
    ],
)
def test_other_forms_are_refused(items: list[tuple[str, str | UploadFile]]) -> None:
    with pytest.raises(BadRequest):
        parts(*items)


def test_the_documented_form_has_every_field() -> None:
    schema = _body()["content"]["multipart/form-data"]["schema"]
    assert schema["properties"].keys() == {*ImageEditRequest.model_fields, "image", "mask", "reference"}
    assert schema["required"] == ["prompt"]
    assert all(schema["properties"][name]["description"] for name in ("image", "mask", "reference"))


def test_only_a_form_will_do(client: TestClient) -> None:
    response = client.post(URL, json={"prompt": "x"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert "image" in response.json()["hint"]
