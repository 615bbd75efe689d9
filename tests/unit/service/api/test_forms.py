import asyncio

import pytest
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from service.api.forms import check_charset, form_body, form_of, is_form
from service.kit.errors import BadRequest

FORM = b"multipart/form-data; boundary=x"


def parts(*headers: str, most_files: int = 9) -> list[tuple[str, str | None]]:
    """The parts of a form with these Content-Dispositions: the name of each, and of its file if it is one."""
    body = b"".join(f"--x\r\nContent-Disposition: {header}\r\n\r\nA\r\n".encode() for header in headers) + b"--x--\r\n"

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def main() -> list[tuple[str, str | None]]:
        request = Request({"type": "http", "headers": [(b"content-type", FORM)]}, receive)
        async with form_of(request, most_files) as form:
            return [
                (name, part.filename if isinstance(part, UploadFile) else None) for name, part in form.multi_items()
            ]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="a.png"', "a.png"),
        ("form-data; name=\"file\"; filename*=utf-8''f%C3%B6x%20a.png", "f\u00f6x a.png"),
        ("form-data; name=\"file\"; filename*=UTF-8'en'a.png", "a.png"),
        ('form-data; filename*="utf-8\'\'a.png"; name="file"', "a.png"),
        ("form-data; name=\"file\"; filename*=utf-8''a%22%0d%0a.png", "a___.png"),
        ('form-data; name="file"; filename="b.png"; filename*=utf-8\'\'a.png', "b.png"),
        ('form-data; name="file"', None),
    ],
)
def test_a_part_with_a_file_name_is_a_file(disposition: str, name: str | None) -> None:
    assert parts(disposition) == [("file", name)]


def test_more_parts_than_are_read() -> None:
    with pytest.raises(BadRequest, match="Too many files"):
        parts(*["form-data; name=\"file\"; filename*=utf-8''a.png"] * 2, most_files=1)
    with pytest.raises(BadRequest, match="Too many fields"):
        parts(*['form-data; name="text"'] * 65)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/form-data; boundary=x", True),
        ("Multipart/Form-Data; boundary=x", True),
        ("application/x-www-form-urlencoded", False),
        ("image/png", False),
    ],
)
def test_what_is_a_form(content_type: str, expected: bool) -> None:
    assert is_form(Request({"type": "http", "headers": [(b"content-type", content_type.encode())]})) is expected


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF8"', "; charset=US-ASCII"])
def test_charsets_that_are_read(charset: str) -> None:
    header = f"multipart/form-data; boundary=x{charset}".encode()
    check_charset(Request({"type": "http", "headers": [(b"content-type", header)]}))


@pytest.mark.parametrize("charset", ["latin-1", "idna", "unicode_escape", "utf-16"])
def test_charsets_that_are_not(charset: str) -> None:
    header = f"multipart/form-data; boundary=x; charset={charset}".encode()
    with pytest.raises(BadRequest, match="charset"):
        check_charset(Request({"type": "http", "headers": [(b"content-type", header)]}))


def test_a_form_in_openapi() -> None:
    assert form_body({"a": {"type": "string"}}, ["a"])["content"].keys() == {"multipart/form-data"}
