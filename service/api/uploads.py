"""Uploaded images: a bare body, or a form with parts named `file`, alone or beside one text field."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile

from service.kit.errors import BadRequest

BINARY = {"type": "string", "format": "binary"}
_BARE = {f"image/{kind}": {"schema": BINARY} for kind in ("png", "jpeg", "webp", "avif", "tiff")}
_CLAIMING = (
    "image/gif", "image/heic", "image/heif", "image/jxl", "image/svg+xml", "application/pdf", "audio/flac",
    "audio/mp4", "audio/mpeg", "audio/wav", "video/avi", "video/mp4", "video/quicktime", "application/octet-stream",
)  # fmt: skip
_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")

Upload = tuple[bytes, str]
"""The bytes of a file, and its name; `-` if it has none."""


def form_body(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """An OpenAPI request body: a multipart form with these parts."""
    schema = {"type": "object", "required": list(required), "properties": properties}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _file_body(description: str, file: dict[str, Any]) -> dict[str, Any]:
    form = form_body({"file": file}, required=["file"])
    return {**form, "description": description, "content": {**form["content"], **_BARE}}


ONE_FILE = _file_body("The file itself, or a form with one part named `file`.", BINARY)


_MANIFEST = {**BINARY, "description": "A Content Credential that came beside the file (a sidecar, .c2pa)."}
ANY_FILE = {
    **ONE_FILE,
    "description": "The file itself, or a form with one part named `file`: an image, or any file that can carry a "
    "Content Credential. The form may have a part named `manifest`, a credential that came beside the file.",
    "content": {
        **ONE_FILE["content"],
        **form_body({"file": BINARY, "manifest": _MANIFEST}, required=["file"])["content"],
        **{kind: {"schema": BINARY} for kind in _CLAIMING},
    },
}
"""For what also reads the credential of files whose pixels it cannot decode."""


def many_files(most: int) -> dict[str, Any]:
    """An OpenAPI request body: one bare file, or a form with up to `most` files."""
    files = {"type": "array", "items": BINARY, "minItems": 1, "maxItems": most}
    return _file_body(
        f"The file itself, or a form with up to {most} parts named `file`. The size limit of one file holds for all of "
        "them together.",
        files,
    )


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def check_charset(request: Request) -> None:
    """Raises BadRequest for a form in any charset but UTF-8 and ASCII. Call it before `request.form`.

    Starlette decodes fields with any codec that the form names. Some take minutes, and some do not return text.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    charset = options.get(b"charset", b"utf-8").decode("latin-1").lower()
    if charset not in _CHARSETS:
        raise BadRequest("the charset of the form is not supported", hint="Send UTF-8.")


async def uploads(request: Request, most: int = 1) -> list[Upload]:
    """Every file of the request, in order: at least one, at most `most`.

    Raises:
        BadRequest: the form has no file, too many files, or other parts.
    """
    if not is_form(request):
        return [(await request.body(), "-")]
    check_charset(request)
    async with request.form(max_files=most, max_fields=0) as form:
        parts = form.getlist("file")
        if not parts or len(parts) != len(form.multi_items()):
            what = "has parts that are not named `file`" if parts else "has no file"
            raise BadRequest(f"the form {what}", hint="Send only parts named `file`, or the bare bytes.")
        return await _read(parts)


async def file_and_manifest(request: Request) -> tuple[Upload, bytes | None]:
    """The one file of the request, and the credential that came beside it in a form's part named `manifest`.

    Raises:
        BadRequest: the form has no file, more than one of either, or other parts.
    """
    if not is_form(request):
        return (await request.body(), "-"), None
    check_charset(request)
    async with request.form(max_files=2, max_fields=0) as form:
        files, manifests = await _read(form.getlist("file")), await _read(form.getlist("manifest"))
        if len(files) != 1 or len(manifests) > 1 or len(files) + len(manifests) != len(form.multi_items()):
            raise BadRequest(
                "the form must have one file, and may have one manifest",
                hint="Send one part named `file` and at most one named `manifest`, or the bare bytes of the file.",
            )
        return files[0], manifests[0][0] if manifests else None


async def text_and_files(request: Request, field: str, most: int) -> tuple[str, list[Upload]]:
    """The text of the form's field named `field`, and its files, in order: at least one, at most `most`.

    Raises:
        BadRequest: the request is not such a form.
    """
    hint = f"Send a form with one text field `{field}` and up to {most} files named `file`."
    if not is_form(request):
        raise BadRequest("the request is not a form", hint=hint)
    check_charset(request)
    async with request.form(max_files=most, max_fields=1) as form:
        texts, parts = form.getlist(field), form.getlist("file")
        files = await _read(parts)
        if len(texts) != 1 or not isinstance(texts[0], str) or set(form) != {field, "file"} or len(files) != len(parts):
            raise BadRequest("the form has missing or unknown parts", hint=hint)
        return texts[0], files


async def _read(parts: Sequence[UploadFile | str]) -> list[Upload]:
    return [(await part.read(), part.filename or "-") for part in parts if isinstance(part, UploadFile)]
