"""Pictures in a request: the bare bytes, or a form with parts called `file`, alone or beside one field of text."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile

from service.kit.errors import BadRequest

BINARY = {"type": "string", "format": "binary"}
_BARE = {f"image/{kind}": {"schema": BINARY} for kind in ("png", "jpeg", "webp", "avif", "tiff")}

Upload = tuple[bytes, str]


def body(description: str, files: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI request body: one bare picture, or a form whose `file` has the schema `files`."""
    form = {"schema": {"type": "object", "required": ["file"], "properties": {"file": files}}}
    return {"required": True, "description": description, "content": {"multipart/form-data": form, **_BARE}}


ONE = body("The file itself, or a form with one part called `file`.", BINARY)


def many(most: int) -> dict[str, Any]:
    files = {"type": "array", "items": BINARY, "minItems": 1, "maxItems": most}
    return body(
        f"The file itself, or a form with up to {most} parts called `file`, together no larger than one file may be.",
        files,
    )


def check_charset(request: Request) -> None:
    """Fields are decoded by whatever charset the form names, some of which take minutes or give no text at all.

    Raises BadRequest for any but UTF-8 and ASCII. To be called before `request.form`.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    charset = options.get(b"charset", b"utf-8").decode("latin-1").lower()
    if charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise BadRequest("the form names a charset we do not read", hint="Send UTF-8.")


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def uploads(request: Request, most: int = 1) -> list[Upload]:
    """Bytes and name of every file sent, in order.

    Raises:
        BadRequest: the form has no file, something else than files, or more than `most`.
    """
    if not is_form(request):
        return [(await request.body(), "-")]
    check_charset(request)
    async with request.form(max_files=most, max_fields=0) as form:
        parts = form.getlist("file")
        if not parts or len(parts) != len(form.multi_items()):
            what = "has parts that are not called `file`" if parts else "has no file"
            raise BadRequest(f"the form {what}", hint="Send parts called `file` and no others, or the bare bytes.")
        return await _read(parts)


async def with_text(request: Request, field: str, most: int) -> tuple[str, list[Upload]]:
    """The form's one `field` of text, and bytes and name of its files, in order.

    Raises:
        BadRequest: it is no such form, or has more than `most` files.
    """
    hint = f"Send a form with one field `{field}` and parts called `file`."
    if not is_form(request):
        raise BadRequest("the request is no form", hint=hint)
    check_charset(request)
    async with request.form(max_files=most, max_fields=1) as form:
        texts, parts = form.getlist(field), form.getlist("file")
        files = await _read(parts)
        if len(texts) != 1 or not isinstance(texts[0], str) or set(form) != {field, "file"} or len(files) != len(parts):
            raise BadRequest("the form is none of ours", hint=hint)
        return texts[0], files


async def _read(parts: Sequence[UploadFile | str]) -> list[Upload]:
    return [(await part.read(), part.filename or "-") for part in parts if isinstance(part, UploadFile)]
