import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest
from fastapi import Request
from starlette.types import Message

from service.api.uploads import file_and_manifest, many_files, text_and_files, uploads
from service.kit.errors import BadRequest

T = TypeVar("T")
ONE = [("file", ("a.png", b"A"))]
TWO = [*ONE, ("file", ("b.png", b"B"))]


def read(work: Callable[[Request], Awaitable[T]], content_type: str | None = None, **sent: object) -> T:
    """What `work` reads from a request that httpx writes."""
    written = httpx.Request("POST", "http://test", **sent)  # type: ignore[arg-type]
    headers = dict(written.headers) | ({"content-type": content_type} if content_type else {})
    body = written.read()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def main() -> T:
        return await work(Request(scope, receive))

    return asyncio.run(main())


def test_a_bare_body_is_one_file_without_a_name() -> None:
    assert read(uploads, content=b"A") == [(b"A", "-")]
    assert read(uploads, content=b"") == [(b"", "-")]


def test_a_form_has_its_files_in_order() -> None:
    assert read(lambda request: uploads(request, 2), files=TWO) == [(b"A", "a.png"), (b"B", "b.png")]


@pytest.mark.parametrize(
    "sent",
    [
        {"files": [("other", ("a.png", b"A"))]},
        {"files": [*ONE, ("other", ("b.png", b"B"))]},
        {"content": b"--x--", "content_type": "multipart/form-data; boundary=x"},
    ],
)
def test_other_forms_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="the form has"):
        read(lambda request: uploads(request, 2), **sent)  # type: ignore[arg-type]


def test_texts_that_a_form_has_besides_are_left_alone() -> None:
    extra = {"purpose": "vision", "comment": "mine"}
    assert read(uploads, data=extra, files=ONE) == [(b"A", "a.png")]
    assert read(file_and_manifest, data=extra, files=ONE) == ((b"A", "a.png"), None)
    assert (
        read(lambda request: text_and_files(request, "name", 2), data={"name": "Ann", **extra}, files=ONE)[0] == "Ann"
    )


def test_a_text_is_not_a_file() -> None:
    with pytest.raises(BadRequest, match="has no file"):
        read(uploads, data={"file": "text"}, files=[("file", (None, b"A"))])


def test_text_and_files() -> None:
    name, files = read(lambda request: text_and_files(request, "name", 2), data={"name": "Ann"}, files=TWO)
    assert (name, [data for data, _ in files]) == ("Ann", [b"A", b"B"])


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"A"},
        {"files": ONE},
        {"data": {"label": "Ann"}, "files": ONE},
        {"files": [*ONE, ("name", ("n.txt", b"Ann"))]},
    ],
)
def test_other_requests_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as error:
        read(lambda request: text_and_files(request, "name", 2), **sent)  # type: ignore[arg-type]
    assert "`name`" in error.value.hint
    assert "2 files" in error.value.hint


def test_bodies_in_openapi() -> None:
    body = many_files(3)
    assert body["content"]["multipart/form-data"]["schema"]["properties"]["file"]["maxItems"] == 3
    assert body["content"]["image/png"]["schema"] == {"type": "string", "format": "binary"}
