"""Multipart forms: parsed in UTF-8 and within limits, and files whatever way their names are written."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from service.kit.errors import BadRequest

BINARY = {"type": "string", "format": "binary"}
MOST_TEXTS = 64
"""Text fields of a form, known or not."""

_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")
_NAME = re.compile(rb";\s*filename\*\s*=\s*\"?(?:[\w-]*'[\w-]*')?([^;\s\"]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(rb";\s*filename\s*=", re.IGNORECASE)


def form_body(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """An OpenAPI request body: a multipart form with these parts."""
    schema = {"type": "object", "required": list(required), "properties": properties}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


@asynccontextmanager
async def form_of(request: Request, most_files: int, most_text: int = 1 << 20) -> AsyncIterator[FormData]:
    """The parts of the request's form, in order. `most_text`: bytes of one text field.

    Raises:
        BadRequest: the form cannot be read, or has too many parts.
    """
    check_charset(request)
    try:
        async with aclosing(request.stream()) as stream:
            parser = _Parser(
                request.headers, stream, max_files=most_files, max_fields=MOST_TEXTS, max_part_size=most_text
            )
            form = await parser.parse()
    except MultiPartException as unreadable:
        raise BadRequest(unreadable.message, hint="Send a multipart form; the API schema is at /docs.") from unreadable
    try:
        yield form
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Starlette's parser, which takes a part for a file only by `filename`: RFC 5987's `filename*` alone is one too."""

    def on_header_end(self) -> None:
        if self._current_partial_header_name.lower() == b"content-disposition":
            self._current_partial_header_value = _with_plain_name(self._current_partial_header_value)
        super().on_header_end()


def _with_plain_name(disposition: bytes) -> bytes:
    """A Content-Disposition with `filename`, if it has only `filename*`."""
    encoded = _NAME.search(disposition)
    if encoded is None or _PLAIN_NAME.search(disposition):
        return disposition
    name = re.sub(rb'[\x00-\x1f"\\]', b"_", unquote_to_bytes(encoded[1]))
    return disposition + b'; filename="' + name + b'"'


def check_charset(request: Request) -> None:
    """Raises BadRequest for a form in any charset but UTF-8 and ASCII.

    Starlette decodes fields with any codec that the form names. Some take minutes, and some do not return text.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    charset = options.get(b"charset", b"utf-8").decode("latin-1").lower()
    if charset not in _CHARSETS:
        raise BadRequest("the charset of the form is not supported", hint="Send UTF-8.")
