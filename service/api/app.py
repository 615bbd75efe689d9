"""The application: routers, errors and middleware around one open house."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import SYSTEM_NAME, __version__
from service.api import (
    appeals,
    consent,
    detect,
    edits,
    enrolments,
    health,
    held,
    images,
    inspect,
    pages,
    problems,
    takedowns,
)
from service.api.dependencies import Services, attach, services_of
from service.api.middleware import BodyLimit, NoNul, RequestId
from service.api.rate_limits import RateLimit, TokenBuckets
from service.installation import Installation
from service.kit import logs

_FORM_OVERHEAD = 1 << 16  # boundaries and part headers around the largest file

_DESCRIPTION = """
Two doors into one house. The **gateway** draws pictures and lets none out that is not screened, watermarked,
signed (C2PA), proved and recorded. The **examiner** tells what any picture claims, carries, matches and
probably is, and keeps these apart.

Errors are `application/problem+json` (RFC 9457) with a stable `code` and a `hint`; see `docs/errors.md`.
"""


def create_app(installation: Installation) -> FastAPI:
    """The HTTP application over `house`, for any ASGI server."""
    logs.configure(installation.settings.log_level)
    app = FastAPI(
        title=SYSTEM_NAME,
        version=__version__,
        summary="Provable generation and provenance examination of images",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    attach(app, Services.open(installation))
    for part in (images, edits, held, inspect, detect, takedowns, appeals, consent, enrolments, health):
        app.include_router(part.router)
    pages.install(app)
    problems.install(app)
    problems.describe(app)
    app.add_middleware(BodyLimit, limit=installation.settings.max_bytes + _FORM_OVERHEAD)
    if installation.settings.requests_per_minute:
        per_minute = installation.settings.requests_per_minute
        app.add_middleware(RateLimit, addresses=TokenBuckets(per_minute), identifiers=TokenBuckets(per_minute))
    app.add_middleware(NoNul)
    app.add_middleware(RequestId)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await asyncio.to_thread(services_of(app).close)
