"""Style sheet, script and icon of the pages. Their addresses contain their digests, so browsers may keep them."""

import functools
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from fastapi import APIRouter, Response

from service.kit.errors import NotFound
from service.presentation.templates import STYLE, style

router = APIRouter(include_in_schema=False)

PATH = "/pages/"
SCRIPT, ICON = "countermark.js", "icon.svg"
_TYPES = {STYLE: "text/css; charset=utf-8", SCRIPT: "text/javascript; charset=utf-8", ICON: "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


@functools.cache
def _contents() -> Mapping[str, bytes]:
    static = files("service.web") / "static"
    own = {name: (static / name).read_bytes() for name in (SCRIPT, ICON)}
    return MappingProxyType({STYLE: style().encode(), **own})


@functools.cache
def addresses() -> Mapping[str, str]:
    """The path of each file, by its name."""
    digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in _contents().items()}
    return MappingProxyType({name: f"{PATH}{digest}/{name}" for name, digest in digests.items()})


@router.get(PATH + "{digest}/{name}")
async def asset(digest: str, name: str) -> Response:
    """One of the files. Raises NotFound for any other address, also for that of an earlier version."""
    if addresses().get(name) != f"{PATH}{digest}/{name}":
        raise NotFound("there is no such address")
    return Response(_contents()[name], media_type=_TYPES[name], headers={"Cache-Control": _KEPT})
