"""The application: routes, error handlers and middleware around an open installation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service import SYSTEM_NAME, __version__
from service.api import (
    a1111,
    appeals,
    audit,
    consent,
    detect,
    edits,
    enrolments,
    feedback,
    health,
    held,
    images,
    inspect,
    inspections,
    jobs,
    json_bodies,
    models,
    moderations,
    openapi,
    pages,
    problems,
    soft_binding,
    takedowns,
    variations,
)
from service.api.access_log import AccessLog
from service.api.bodies import Budget, ReceivedBodies
from service.api.dependencies import Services, attach, services_of
from service.api.detection import DetectionLine
from service.api.hosts import AllowedHosts
from service.api.image_inputs import ImageEditJson
from service.api.image_responses import ImagesResponse
from service.api.image_stream import CompletedImage
from service.api.key_limits import RateLimitFields
from service.api.middleware import BodyLimit, NoNul, RequestId
from service.api.moderations import ModerationRequest
from service.api.rate_limits import RateLimit
from service.api.response_headers import SecurityHeaders
from service.api.sharing import Sharing, alone
from service.installation import Installation
from service.jobs.inspection_jobs import InspectionLine
from service.jobs.schemas import Job
from service.kit import logs
from service.kit.settings import Settings
from service.moderation.notices import Notice

_MODULES = (
    images,
    edits,
    variations,
    models,
    moderations,
    held,
    inspect,
    detect,
    inspections,
    jobs,
    feedback,
    soft_binding,
    takedowns,
    appeals,
    consent,
    enrolments,
    audit,
    health,
)
_REFERENCED = (
    Notice,
    DetectionLine,
    ImageEditJson,
    CompletedImage,
    ModerationRequest,
    InspectionLine,
    Job,
    ImagesResponse,
)
"""Schemas that the OpenAPI document names beside those of the routes."""

_FORM_OVERHEAD = 1 << 16  # bytes: boundaries and part headers around the largest file
_BATCH_OVERHEAD = 1 << 20  # the same for a thousand files

_DESCRIPTION = """
The **gateway** generates images and releases only those that are screened, watermarked, signed (C2PA), proved and
recorded. The **examiner** reports what any image claims, carries, matches and probably is, and keeps these four apart.

Errors are `application/problem+json` (RFC 9457) with a stable `code` and a `hint`. All codes are in `docs/errors.md`.
"""


def create_app(installation: Installation, sharing: Sharing | None = None) -> FastAPI:
    """The HTTP application over an open installation, for any ASGI server. `sharing`: with other workers of a server.

    Its threads stop when the server shuts it down. The installation stays open: whoever opened it closes it.
    """
    settings, sharing = installation.settings, sharing or alone()
    logs.configure(settings.log_level)
    app = FastAPI(
        title=SYSTEM_NAME,
        version=__version__,
        summary="Generate images with provable provenance, and examine the provenance of any image",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    attach(app, Services.open(installation, sharing))
    for module in _MODULES:
        app.include_router(module.router)
    if settings.a1111_routes:
        app.include_router(a1111.router)
    pages.install(app)
    problems.install(app)
    openapi.install(app, *_REFERENCED)
    _add_middleware(app, settings, sharing)
    return app


def _add_middleware(app: FastAPI, settings: Settings, sharing: Sharing) -> None:
    """From the inside out: what is added last sees a request first."""
    app.add_middleware(
        ReceivedBodies,
        memory=Budget(settings.body_memory, "bytes of request bodies", sharing.counts, "body_memory"),
        disk=Budget(settings.body_disk, "bytes of unfinished request bodies", sharing.counts, "body_disk"),
    )
    app.add_middleware(
        BodyLimit,
        limit=settings.max_bytes + _FORM_OVERHEAD,
        images_in_json=json_bodies.PATHS,
        larger={inspections.PATH: settings.batch_bytes + _BATCH_OVERHEAD},
    )
    if per_minute := settings.requests_per_minute:
        app.add_middleware(
            RateLimit,
            addresses=sharing.buckets("addresses", per_minute, per_minute),
            identifiers=sharing.buckets("identifiers", per_minute, per_minute),
        )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Last-Event-ID",
                "X-Request-Id",
                "X-Case-Pin",
                "X-Subject-Pin",
            ],
            expose_headers=[
                "X-Request-Id",
                "Retry-After",
                "Idempotency-Replayed",
                "Location",
                "RateLimit",
                "RateLimit-Policy",
            ],
        )
    app.add_middleware(RateLimitFields)
    app.add_middleware(NoNul)
    app.add_middleware(AllowedHosts, allowed=settings.allowed_hosts)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog)
    app.add_middleware(RequestId)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services = services_of(app)
    services.job_workers.start()
    yield
    await asyncio.to_thread(services.close)
