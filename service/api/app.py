"""The application: routers, errors and middleware around one open house."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI

from detectors import Inference, Prepared
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
from service.api.batches import Batcher
from service.api.capacity import CapacityLimiter
from service.api.limits import Buckets, RateLimit
from service.api.middleware import BodyLimit, NoNul, RequestId
from service.installation import Installation
from service.kit import logs

_FORM_OVERHEAD = 1 << 16  # boundaries and part headers around the largest file

# Orders wait in threads of their own, so that a queue of them cannot starve the examiner. More than the queue holds:
# who finds it full must be told so at once.
_RENDERERS_BESIDE = 32
_JUDGED_TOGETHER = 16
_EXAMINED_AT_ONCE = 4  # a decoded picture of the largest size takes hundreds of megabytes

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
    )
    app.state.installation = installation
    app.state.examining = asyncio.Semaphore(_EXAMINED_AT_ONCE)
    app.state.pending = asyncio.Semaphore(2 * _JUDGED_TOGETHER)  # prepared pictures wait in memory
    app.state.judging = Batcher(_judge(installation), _JUDGED_TOGETHER)
    threads = installation.settings.queue_length + _RENDERERS_BESIDE
    app.state.renderers = ThreadPoolExecutor(threads, "countermark-render")
    app.state.capacity = CapacityLimiter(threads)
    for part in (images, edits, held, inspect, detect, takedowns, appeals, consent, enrolments, health):
        app.include_router(part.router)
    pages.install(app)
    problems.install(app)
    problems.describe(app)
    app.add_middleware(BodyLimit, limit=installation.settings.max_bytes + _FORM_OVERHEAD)
    if installation.settings.requests_per_minute:
        per_minute = installation.settings.requests_per_minute
        app.add_middleware(RateLimit, addresses=Buckets(per_minute), numbers=Buckets(per_minute))
    app.add_middleware(NoNul)
    app.add_middleware(RequestId)
    return app


def _judge(installation: Installation) -> Callable[[Sequence[Prepared]], list[Inference]]:
    """Opens the classifiers with the first batch, not with the server."""
    return lambda pictures: installation.classifier.judge(pictures)  # noqa: PLW0108 - `installation.classifier` loads them
