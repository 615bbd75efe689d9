import asyncio
import base64
import io
import json
from typing import Any

import httpx
import pytest
from fastapi import Request
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.types import Message

from service.api.generation_requests import ImageEditRequest, ImageGenerationRequest
from service.api.image_inputs import ImageRequest, _parts, edit_body, read_edit
from service.kit.errors import BadRequest

A, B = "data:image/png;base64," + base64.b64encode(b"A").decode(), base64.b64encode(b"B").decode()


def file(data: bytes) -> UploadFile:
    return UploadFile(io.BytesIO(data), filename="a.png", headers=Headers())


def parts(*items: tuple[str, str | UploadFile]) -> tuple[dict[str, object], dict[str, list[bytes]]]:
    return asyncio.run(_parts(FormData(list(items))))


def read(**sent: Any) -> ImageRequest:
    """What is read from a request that httpx writes."""
    written = httpx.Request("POST", "http://test", **sent)
    body = written.read()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    headers = [(name.encode(), value.encode()) for name, value in written.headers.items()]
    return asyncio.run(read_edit(Request({"type": "http", "method": "POST", "headers": headers}, receive)))


def test_parts_are_text_fields_and_files() -> None:
    fields, files = parts(
        ("prompt", "a lake"), ("grants[]", "G-1"), ("grants", "G-2"), ("image", file(b"A")), ("mask", file(b"M"))
    )
    assert fields == {"prompt": "a lake", "grants": ["G-1", "G-2"]}
    assert files == {"image": [b"A"], "mask": [b"M"]}
    assert parts(("image[0]", file(b"A")), ("image[1]", file(b"B")))[1] == {"image": [b"A", b"B"]}


def test_an_empty_text_is_unset() -> None:
    assert parts(("prompt", "a lake"), ("size", ""), ("n", "2"))[0] == {"prompt": "a lake", "n": "2"}


def test_images_and_references_may_repeat_and_references_stand_alone() -> None:
    files = [("image[]", ("a.png", b"A")), ("image[]", ("b.png", b"B")), ("reference", ("c.png", b"C"))]
    found = read(data={"prompt": "a lake"}, files=files)
    assert (found.images, found.mask, found.references) == ((b"A", b"B"), None, (b"C",))
    found = read(data={"prompt": "a lake"}, files=files[2:])
    assert (found.images, found.references) == ((), (b"C",))


@pytest.mark.parametrize(
    "items",
    [
        [("image", "text")],
        [("prompt", file(b"A")), ("image", file(b"A"))],
        [("prompt", "a"), ("prompt", "b"), ("image", file(b"A"))],
    ],
)
def test_other_forms_are_refused(items: list[tuple[str, str | UploadFile]]) -> None:
    with pytest.raises(BadRequest):
        parts(*items)


@pytest.mark.parametrize("files", [[], [("mask", ("m.png", b"M"))]])
def test_there_must_be_an_image(files: list[tuple[str, tuple[str, bytes]]]) -> None:
    with pytest.raises(BadRequest, match="no image"):
        read(data={"prompt": "a lake"}, files=[*files, ("n", (None, b"1"))])


def test_two_masks_are_one_too_many() -> None:
    files = [("image", ("a.png", b"A")), ("mask", ("m.png", b"M")), ("mask", ("m.png", b"M"))]
    with pytest.raises(BadRequest, match="repeated") as caught:
        read(data={"prompt": "a lake"}, files=files)
    assert caught.value.param == "mask"


@pytest.mark.parametrize(
    ("sent", "images", "mask"),
    [
        ({"image": A}, (b"A",), None),
        ({"image": B, "mask": A}, (b"B",), b"A"),
        ({"image": [A, B]}, (b"A", b"B"), None),
        ({"image": {"image_url": A}, "mask": {"image_url": A}}, (b"A",), b"A"),
        ({"images": [{"image_url": A}, {"image_url": B}], "mask": None, "n": None}, (b"A", b"B"), None),
        ({"image": {"type": "image_url", "image_url": {"url": A, "detail": "low"}}}, (b"A",), None),
        ({"image": [{"url": A}, {"type": "image_url", "url": B}]}, (b"A", b"B"), None),
    ],
)
def test_images_in_json(sent: dict[str, object], images: tuple[bytes, ...], mask: bytes | None) -> None:
    found = read(json={"prompt": "a lake", **sent})
    assert (found.images, found.mask, found.fields.n) == (images, mask, 1)


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"image": "https://example.com/a.png"}, "image"),
        ({"image": "data:image/png,abc"}, "image"),
        ({"image": "data:image/png;base64"}, "image"),
        ({"image": "no base64!"}, "image"),
        ({"image": A, "mask": "HTTP://example.com"}, "mask"),
        ({"images": [{"file_id": "file-1"}]}, "images.0.image_url"),
        ({"image": A, "latents": 1}, "latents"),
        ({"image": A, "strength": 2}, "strength"),
        ({}, "image"),
    ],
)
def test_what_is_wrong_in_json_is_named(sent: dict[str, object], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(json={"prompt": "a lake", **sent})
    assert caught.value.param == param


def test_neither_a_form_nor_json() -> None:
    with pytest.raises(BadRequest, match="not a form"):
        read(content=json.dumps({"prompt": "a lake", "image": A}))


def test_a_pipeline_takes_so_many_images() -> None:
    fields = ImageGenerationRequest.model_validate({"prompt": "a lake"})
    two = ImageRequest(fields, (b"A", b"B"))
    with pytest.raises(BadRequest, match="takes 1 input image; 2 were sent") as caught:
        two.for_pipeline(0)
    assert caught.value.param == "image"
    files, warnings = two.for_pipeline(4)
    assert files == {"image": b"A", "references": (b"B",)}
    assert warnings == ("the first image is changed; the result should resemble the others",)
    with pytest.raises(BadRequest, match="takes 2 input images; 3 were sent"):
        ImageRequest(fields, (b"A", b"B"), references=(b"C",)).for_pipeline(1)
    assert ImageRequest(fields, references=(b"C",)).for_pipeline(0) == ({"references": (b"C",)}, ())


def test_the_documented_form_has_every_field() -> None:
    schema = edit_body(ImageEditRequest)["content"]["multipart/form-data"]["schema"]
    assert schema["properties"].keys() == {*ImageEditRequest.model_fields, "image", "mask", "reference"}
    assert schema["required"] == ["prompt"]
    assert all(schema["properties"][name]["description"] for name in ("image", "mask", "reference"))
