"""POST /v1/images/generations, in the shape of OpenAI's Images API."""

import asyncio
import base64
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, ValidationInfo, field_validator

from service.access.client import Client
from service.adapters.registry import AdapterChoice
from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import CurrentServices, Services
from service.api.keys import CurrentClient
from service.api.problems import our_bug, responses
from service.gateway.execution import ReleaseObserver
from service.gateway.order import (
    LARGEST_SEED,
    LONGEST_PROMPT,
    MOST_STEPS,
    LikenessScope,
    Order,
    Quality,
    SafetyThreshold,
    Upscaled,
)
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import ReleaseSummary, summarize
from service.generation.schedulers import Scheduler
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
    first_fault,
)
from service.kit.strict_schema import StrictModel
from service.likeness.schemas import GrantNumber

_WHOLE = 1 << 53  # beyond this a whole number is no exact float, and no guidance either
_EXAMPLE: dict[str, JsonValue] = {
    "prompt": "a red fox in the snow at night",
    "n": 1,
    "seed": 7,
    "response_format": "b64_json",
}


class ImageGenerationRequest(StrictModel):
    """OpenAI's request plus `seed`, `negative_prompt`, `num_inference_steps`, `guidance_scale`, `scheduler`, `upscale`,
    `safety_threshold`, `adapters`, `grants`, `scope`.

    Fields of OpenAI's that would change how a picture is screened or shown before it is (moderation="low",
    streaming, partial images) are accepted with their harmless value only. Unknown fields are refused.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT)
    n: int = Field(1, ge=1, le=10)
    size: str = Field("auto", pattern=r"^(auto|\d{2,4}x\d{2,4})$", description="`auto` or WIDTHxHEIGHT.")
    response_format: Literal["b64_json", "url"] = Field(
        "b64_json", description="`url` gives a data: URL; pictures are not kept on the server."
    )
    output_format: Literal["png", "jpeg", "webp"] = "png"
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="Image k of n is drawn with seed + k.")
    negative_prompt: str = Field("", max_length=LONGEST_PROMPT)
    num_inference_steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    guidance_scale: float | None = Field(None, ge=0, le=50, allow_inf_nan=False)
    scheduler: Scheduler | None = Field(None, description="Unset: the model's own.")
    safety_threshold: SafetyThreshold = None
    adapters: list[AdapterChoice] = Field(
        [], max_length=4, description="Adapters of the operator's list: NAME or NAME:SCALE, scale 0 to 2."
    )
    grants: list[GrantNumber] = Field([], max_length=8, description="Grants of people whose likeness it may show.")
    scope: LikenessScope = None
    model: str | None = Field(None, description="Must be the served model's name, if given.")
    user: str | None = Field(None, max_length=200, description="Accepted and not stored.")
    quality: Literal["auto", "standard", "high"] = Field(
        "auto", description="`high` takes more steps, if the model can."
    )
    upscale: Upscaled = None
    background: Literal["auto", "opaque"] = "auto"
    moderation: Literal["auto"] = "auto"
    stream: Literal[False] = False

    @field_validator("n", "size", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: object, info: ValidationInfo) -> object:
        """OpenAI's own schema lets both be null."""
        return cls.model_fields[str(info.field_name)].default if value is None else value

    @field_validator("guidance_scale", "safety_threshold", mode="before")
    @classmethod
    def _whole_numbers_are_numbers(cls, value: object) -> object:
        return float(value) if type(value) is int and abs(value) < _WHOLE else value


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
    orders = _orders(request_body, more)
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


def _orders(request_body: ImageGenerationRequest, more: Mapping[str, Any]) -> list[Order]:
    first = secrets.randbelow(LARGEST_SEED - request_body.n) if request_body.seed is None else request_body.seed
    if first + request_body.n - 1 > LARGEST_SEED:
        raise BadRequest("seed + n is beyond the largest seed")
    width, height = (None, None) if request_body.size == "auto" else map(int, request_body.size.split("x"))
    try:
        return [
            Order(
                prompt=request_body.prompt,
                negative_prompt=request_body.negative_prompt,
                seed=first + index,
                width=width,
                height=height,
                steps=request_body.num_inference_steps,
                quality=_quality(request_body),
                upscale=request_body.upscale,
                guidance=request_body.guidance_scale,
                scheduler=request_body.scheduler,
                adapters=tuple(request_body.adapters),
                format=request_body.output_format,
                safety_threshold=request_body.safety_threshold,
                grants=tuple(request_body.grants),
                scope=request_body.scope,
                **more,
            )
            for index in range(request_body.n)
        ]
    except ValidationError as wrong:
        raise BadRequest(first_fault(wrong.errors(include_input=False, include_url=False))) from None


def _quality(request_body: ImageGenerationRequest) -> Quality:
    return "high" if request_body.quality == "high" else "standard"


def _response(
    request_body: ImageGenerationRequest, gateway: Gateway, released: list[Released], refusals: list[tuple[int, Error]]
) -> Images:
    job = released[0].admitted.job
    return Images(
        created=int(time.time()),
        data=[as_image(image, request_body.response_format) for image in released],
        output_format=request_body.output_format,
        quality=_quality(request_body),
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
