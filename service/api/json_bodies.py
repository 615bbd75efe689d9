"""JSON bodies that hold images as base64 and are too large to be parsed on the event loop."""

import asyncio
import base64
import binascii
import json
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.kit.errors import BadRequest, bad_field

M = TypeVar("M", bound=BaseModel)

PATHS = ("/v1/images/edits", "/v1/moderations", "/sdapi/v1/img2img")
"""Where JSON may be as large as a file."""

_MOST_VALUES = 4096
"""Commas and opening brackets. Each value takes dozens of bytes in memory, and a large body could hold millions."""

_NOT_FETCHED = "Send the image itself: as a data: URL or, to edit it, as a file of a form."


async def read_json(request: Request, model: type[M]) -> M:
    """The body as `model`. Raises BadRequest if it is not JSON, has too many values, or does not fit."""
    value = await read_value(request)
    try:
        return model.model_validate(value)
    except ValidationError as invalid:
        raise bad_field(invalid.errors(include_input=False, include_url=False)) from None


async def read_value(request: Request) -> object:
    """The body as whatever JSON it is. Raises BadRequest if it is not JSON, or has too many values."""
    body = b"".join([chunk async for chunk in request.stream()])  # `request.body` would keep it until the answer
    return await asyncio.to_thread(_parsed, body)


def image_in(text: str, param: str) -> bytes:
    """The image that a `data:` URL or plain base64 holds. `param`: the field that it came in.

    Raises:
        BadRequest: it holds none. Addresses on the web are not fetched.
    """
    head, comma, payload = text.partition(",") if text[:5].lower() == "data:" else ("", "", text)
    if text[:8].lower().startswith(("http://", "https://")):
        raise BadRequest(f"{param}: images are not fetched from the web", hint=_NOT_FETCHED, param=param)
    if head and not (comma and head.lower().endswith(";base64")):
        raise BadRequest(f"{param}: the data: URL is not in base64", hint=_NOT_FETCHED, param=param)
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{param}: the image is not in base64", hint=_NOT_FETCHED, param=param) from None


def _parsed(body: bytes) -> object:
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise BadRequest("the JSON has too many values")
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not valid JSON") from None
    return value
