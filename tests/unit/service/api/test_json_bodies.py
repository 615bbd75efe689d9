import asyncio

import pytest
from fastapi import Request
from pydantic import BaseModel
from starlette.types import Message

from service.api.json_bodies import image_in, read_json
from service.kit.errors import BadRequest


class Body(BaseModel):
    text: str
    numbers: list[int] = []


def read(body: bytes) -> Body:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return asyncio.run(read_json(Request({"type": "http", "method": "POST", "headers": []}, receive), Body))


def test_a_body_is_read_as_its_model() -> None:
    assert read(b'{"text": "a, [b]", "numbers": [1]}') == Body(text="a, [b]", numbers=[1])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'{"text": "a"', "not valid JSON"),
        (b"[" * 3000, "not valid JSON"),
        (b'{"text": "a", "numbers": [' + b"1," * 5000 + b"1]}", "too many values"),
        (b"[]", "the body"),
        (b'{"text": 1}', "text: "),
        (b'{"text": "a", "numbers": [' + b"9" * 5000 + b"]}", "not valid JSON"),
    ],
)
def test_other_bodies_are_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        read(body)


@pytest.mark.parametrize("text", ["data:image/png;base64,QQ==", "DATA:;base64,QQ==", "QQ==", "Q\nQ\n=="])
def test_an_image_in_a_text(text: str) -> None:
    assert image_in(text, "image") == b"A"
