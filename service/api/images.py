"""POST /v1/images/generations, in the shape of OpenAI's Images API."""

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel

from service.access.client import Client
from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import CurrentServices, Services
from service.api.generation_requests import ImageGenerationRequest, orders_of
from service.api.keys import CurrentClient
from service.api.problems import our_bug, responses
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Quality
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import ReleaseSummary, summarize
from service.kit.errors import (
    AdapterRefused,
    BadRequest,
    Blocked,
    Busy,
    Error,
    LikenessRefused,
    PromptRefused,
    Refusal,
    StageFailed,
    Unauthorized,
    Unavailable,
    Unmarkable,
    Unsafe,
)


class Image(BaseModel):
    """One picture, in OpenAI's shape."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: None = None


class Refused(BaseModel):
    """A picture of the request that was not released; the others were."""

    index: int
    code: str
    message: str
    appeal: str | None = None


class GenerationDetails(BaseModel):
    """Our part of the response."""

    model: str
    images: list[ReleaseSummary]
    refusals: list[Refused]


class Images(BaseModel):
    """OpenAI's response plus `countermark`."""

    created: int
    data: list[Image]
    background: Literal["opaque"] = "opaque"
    output_format: str
    quality: Quality
    size: str
    countermark: GenerationDetails


REFUSALS = (
    BadRequest,
    Unauthorized,
    PromptRefused,
    LikenessRefused,
    AdapterRefused,
    Unsafe,
    Blocked,
    Unmarkable,
    Busy,
    StageFailed,
    Unavailable,
)
"""What an order may be answered with."""

router = APIRouter(tags=["gateway"])


@router.post(
    "/v1/images/generations",
    summary="Draw pictures that are screened, marked, signed, proved and recorded",
    responses=responses(*REFUSALS),
    response_model_exclude_none=True,
)
async def generate(
    request: Request,
    services: CurrentServices,
    client: CurrentClient,
    request_body: Annotated[ImageGenerationRequest, Body()],
) -> Images:
    """Answers with the released pictures. If none of the `n` could be released, the first refusal is the answer."""
    return await answer(request, services, client, request_body, {})


async def answer(
    request: Request,
    services: Services,
    client: Client,
    request_body: ImageGenerationRequest,
    more: Mapping[str, Any],
) -> Images:
    """The released pictures of a client's wish; `more` are fields of its orders that it does not have."""
    settings = services.installation.settings
    most = min(settings.max_images, client.max_images or settings.max_images)
    if request_body.n > most:
        raise BadRequest(f"n is {request_body.n}, at most {most} pictures are drawn at once")
    # While one batch is screened and signed the next is drawn; one request does not take the queue for itself.
    abreast = min(request_body.n, settings.batch_size + min(settings.batch_size, settings.queue_length))

    async def start(cancelled: threading.Event) -> Images:
        with services.order_capacity.reserve(abreast):
            return await _release_all(services, request_body, client, more, abreast, cancelled)

    return await cancel_on_disconnect(request, start)


async def _release_all(
    services: Services,
    request_body: ImageGenerationRequest,
    client: Client,
    more: Mapping[str, Any],
    abreast: int,
    cancelled: threading.Event,
) -> Images:
    threads = services.order_threads
    gateway = await run_in_thread(threads, lambda: services.installation.gateway)
    model = gateway.backend.identity
    if request_body.model not in (None, model.name):
        raise BadRequest(f"the model here is {model.name}", hint="Leave `model` out, or name that one.")
    turn = asyncio.Semaphore(abreast)
    observer = ReleaseObserver(cancelled=cancelled.is_set)
    orders = orders_of(request_body, more)
    released, refusals = _sorted(
        await asyncio.gather(
            *(_release(threads, turn, partial(gateway.release, order, observer, client)) for order in orders),
            return_exceptions=True,
        )
    )
    return _response(request_body, gateway, released, refusals)


async def _release(threads: Executor, turn: asyncio.Semaphore, work: Callable[[], Released]) -> Released:
    async with turn:
        return await run_in_thread(threads, work)


def _sorted(results: list[Released | BaseException]) -> tuple[list[Released], list[tuple[int, Error]]]:
    """What was released, and why nothing was at which place. Raises the first of these where nothing was released."""
    released = [result for result in results if isinstance(result, Released)]
    faults = [(index, result) for index, result in enumerate(results) if isinstance(result, BaseException)]
    for _, fault in faults:
        if not released or not isinstance(fault, Exception):
            raise fault
    return released, [(index, fault if isinstance(fault, Error) else our_bug(fault)) for index, fault in faults]


def _response(
    request_body: ImageGenerationRequest, gateway: Gateway, released: list[Released], refusals: list[tuple[int, Error]]
) -> Images:
    job = released[0].admitted.job
    return Images(
        created=int(time.time()),
        data=[as_image(image, request_body.response_format) for image in released],
        output_format=request_body.output_format,
        quality=request_body.order_quality,
        size=f"{job.width}x{job.height}",
        countermark=GenerationDetails(
            model=gateway.backend.identity.name,
            images=[summarize(image) for image in released],
            refusals=[_refused(index, refusal) for index, refusal in refusals],
        ),
    )


def _refused(index: int, refusal: Error) -> Refused:
    appeal = refusal.content_id if isinstance(refusal, Refusal) else None
    return Refused(index=index, code=refusal.code, message=refusal.message, appeal=appeal)


def as_image(released: Released, response_format: str) -> Image:
    """The response's pixels: only ever those of a genuine Released."""
    text = base64.b64encode(require_sealed(released, Released).data).decode()
    if response_format == "url":
        return Image(url=f"data:{released.mime};base64,{text}")
    return Image(b64_json=text)
