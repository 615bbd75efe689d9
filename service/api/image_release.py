"""Releasing the images of one request: several at a time, each through the whole gateway."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from service.access.client import Client
from service.api import key_limits
from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import Services
from service.api.generation_requests import orders_of
from service.api.image_inputs import ImageRequest
from service.api.image_responses import ImagesResponse, images_response
from service.api.model_names import ModelNames
from service.api.problems import internal_error
from service.gateway.execution import ReleaseObserver
from service.gateway.order import MOST_REFERENCES, Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released
from service.kit.errors import BadRequest, Error, Refusal


async def release_images(
    request: Request,
    services: Services,
    client: Client,
    sent: ImageRequest,
) -> ImagesResponse:
    """Release the `n` images of a request. Stops when the caller disconnects.

    Raises:
        Error: the first reason, if none of the images could be released. See `failures.GENERATE` and `EDIT`.
    """
    check_number(services, client, sent)
    settings = services.installation.settings
    # While one batch is screened and signed the next is generated, but one request must not take the whole queue.
    at_once = min(sent.fields.n, settings.batch_size + min(settings.batch_size, settings.queue_length))

    async def start(cancelled: threading.Event) -> ImagesResponse:
        with services.order_capacity.reserve(at_once):
            return await _release_all(request, services, client, sent, at_once, cancelled)

    return await cancel_on_disconnect(request, start)


def check_number(services: Services, client: Client, sent: ImageRequest) -> None:
    """Raises BadRequest if the request asks for more images than this client may have at once."""
    settings = services.installation.settings
    most = min(settings.max_images, client.max_images or settings.max_images)
    if sent.fields.n > most:
        raise BadRequest(f"n is {sent.fields.n}; at most {most} images are generated in one request", param="n")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The orders of a request, for the gateway that serves it; `model`: its own name, `warnings`: for the response."""

    gateway: Gateway
    model: str
    orders: Sequence[Order]
    warnings: tuple[str, ...]


async def prepare(services: Services, sent: ImageRequest) -> Prepared:
    """What a request asks for. Loads the gateway if nobody did.

    Raises:
        BadRequest: it asks for another model, or for what does not go together.
        Unavailable, Misconfigured: nothing can be generated here.
    """
    gateway = await run_in_thread(services.order_threads, lambda: services.installation.gateway)
    names = ModelNames.of(gateway.backend.identity.name, services.installation.settings)
    warnings = (*names.warnings(sent.fields.model), *sent.fields.warnings)
    files, more = sent.for_pipeline(MOST_REFERENCES if gateway.backend.reference_digest else 0)
    return Prepared(gateway, names.served, orders_of(sent.fields, files), (*warnings, *more))


async def _release_all(
    request: Request,
    services: Services,
    client: Client,
    sent: ImageRequest,
    at_once: int,
    cancelled: threading.Event,
) -> ImagesResponse:
    prepared = await prepare(services, sent)
    places = asyncio.Semaphore(at_once)
    observer = ReleaseObserver(cancelled=cancelled.is_set)

    async def release(order: Order) -> Released:
        async with places:
            return await run_in_thread(services.order_threads, prepared.gateway.release, order, observer, client)

    await key_limits.take(request, services.installation, client, "images", len(prepared.orders))
    results = await asyncio.gather(*(release(order) for order in prepared.orders), return_exceptions=True)
    turned_away = sum(not isinstance(result, (Released, Refusal)) for result in results)
    await key_limits.give_back(services.installation, client, "images", turned_away)
    released, refusals = _sorted(results)
    return images_response(sent.fields, prepared.model, released, refusals, prepared.warnings)


def _sorted(results: Sequence[Released | BaseException]) -> tuple[list[Released], dict[int, Error]]:
    """Released images, and by index why others were not. Raises the first reason if there are no released images."""
    released = [result for result in results if isinstance(result, Released)]
    faults = {index: result for index, result in enumerate(results) if isinstance(result, BaseException)}
    for fault in faults.values():
        if not released or not isinstance(fault, Exception):
            raise fault
    return released, {
        index: fault if isinstance(fault, Error) else internal_error(fault) for index, fault in faults.items()
    }
