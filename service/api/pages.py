"""The interactive documentation at /docs: Swagger UI from an installed package, so that it works offline."""

import base64
import hashlib
import re
from importlib.resources import as_file, files

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_PAGE = "/docs"
_ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Serve the page and its assets. Create the app with `docs_url=None`."""
    with as_file(files("fastapi_offline") / "static") as folder:  # an installed package: the folder stays
        app.mount(_ASSETS, StaticFiles(directory=folder))
    app.get(_PAGE, include_in_schema=False)(page)


# Not inside `install`: FastAPI caches what it learns of each endpoint for the life of the process, and a function
# that closed over its application would keep it, and its installation, alive.
async def page(request: Request) -> HTMLResponse:
    """The page of the application that received the request."""
    app: FastAPI = request.app
    root = request.scope.get("root_path", "")
    assets = f"{root}{_ASSETS}"
    html = get_swagger_ui_html(
        openapi_url=f"{root}{app.openapi_url}",
        title=app.title,
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon.png",
    )
    html.headers["Content-Security-Policy"] = _policy(bytes(html.body))
    return html


def _policy(page: bytes) -> str:
    """Allows what the page needs: files from here, its own inline script by its hash, and the styles that it sets."""
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE_SCRIPT.findall(page))
    scripts = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
