"""Uploaded images: a bare body, or a form with parts named `file`, alone or beside one text field.

Text fields that a form has besides are left alone: forms of web pages and SDKs bring some along.
"""

from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from service.api.forms import BINARY, form_body, form_of, is_form
from service.kit.errors import BadRequest

_BARE = {f"image/{kind}": {"schema": BINARY} for kind in ("png", "jpeg", "webp", "avif", "tiff")}
_CLAIMING = (
    "image/gif", "image/heic", "image/heif", "image/jxl", "image/svg+xml", "application/pdf", "audio/flac",
    "audio/mp4", "audio/mpeg", "audio/wav", "video/avi", "video/mp4", "video/quicktime", "application/octet-stream",
)  # fmt: skip

Upload = tuple[bytes, str]
"""The bytes of a file, and its name; `-` if it has none."""


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


async def uploads(request: Request, most: int = 1) -> list[Upload]:
    """Every file of the request, in order: at least one, at most `most`.

    Raises:
        BadRequest: the form has no file, too many files, or files of other names.
    """
    if not is_form(request):
        return [(await request.body(), "-")]
    async with form_of(request, most) as form:
        files = await _files(form, "file")
        if not files or len(files) != _number_of_files(form):
            what = "has files that are not named `file`" if files else "has no file"
            raise BadRequest(f"the form {what}", hint="Send files as parts named `file`, or one as the bare bytes.")
        return files


async def file_and_manifest(request: Request) -> tuple[Upload, bytes | None]:
    """The one file of the request, and the credential that came beside it in a form's part named `manifest`.

    Raises:
        BadRequest: the form has no file, more than one of either, or files of other names.
    """
    if not is_form(request):
        return (await request.body(), "-"), None
    async with form_of(request, 2) as form:
        files, manifests = await _files(form, "file"), await _files(form, "manifest")
        if len(files) != 1 or len(manifests) > 1 or len(files) + len(manifests) != _number_of_files(form):
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
    async with form_of(request, most) as form:
        texts, files = form.getlist(field), await _files(form, "file")
        if len(texts) != 1 or not isinstance(texts[0], str) or not files or len(files) != _number_of_files(form):
            raise BadRequest("the form has missing or unknown parts", hint=hint)
        return texts[0], files


async def _files(form: FormData, name: str) -> list[Upload]:
    """The files of this name, in order."""
    parts = (part for part in form.getlist(name) if isinstance(part, UploadFile))
    return [(await part.read(), part.filename or "-") for part in parts]


def _number_of_files(form: FormData) -> int:
    return sum(isinstance(part, UploadFile) for _, part in form.multi_items())
