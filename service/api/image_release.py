"""Releasing the images of one request: several at a time, each through the whole gateway."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from service.access.client import Client
from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import Services
from service.api.generation_requests import ImageGenerationRequest, orders_of
from service.api.image_responses import ImagesResponse, images_response
from service.api.problems import internal_error
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.stages import Released
from service.kit.errors import BadRequest, Error


async def release_images(
    request: Request,
    services: Services,
    client: Client,
    request_body: ImageGenerationRequest,
    files: Mapping[str, Any],
) -> ImagesResponse:
    """Release the `n` images of a request. Stops when the caller disconnects. `files`: see `orders_of`.

    Raises:
        Error: the first reason, if none of the images could be released. See `failures.GENERATE` and `EDIT`.
    """
    settings = services.installation.settings
    most = min(settings.max_images, client.max_images or settings.max_images)
    if request_body.n > most:
        raise BadRequest(f"n is {request_body.n}; at most {most} images are generated in one request")
    # While one batch is screened and signed the next is generated, but one request must not take the whole queue.
    at_once = min(request_body.n, settings.batch_size + min(settings.batch_size, settings.queue_length))

    async def start(cancelled: threading.Event) -> ImagesResponse:
        with services.order_capacity.reserve(at_once):
            return await _release_all(services, client, request_body, files, at_once, cancelled)

    return await cancel_on_disconnect(request, start)


async def _release_all(
    services: Services,
    client: Client,
    request_body: ImageGenerationRequest,
    files: Mapping[str, Any],
    at_once: int,
    cancelled: threading.Event,
) -> ImagesResponse:
    threads = services.order_threads
    gateway = await run_in_thread(threads, lambda: services.installation.gateway)
    model = gateway.backend.identity.name
    if request_body.model not in (None, model):
        raise BadRequest(f"the model served here is {model}", hint="Omit `model`, or send that name.")
    places = asyncio.Semaphore(at_once)
    observer = ReleaseObserver(cancelled=cancelled.is_set)

    async def release(order: Order) -> Released:
        async with places:
            return await run_in_thread(threads, gateway.release, order, observer, client)

    orders = orders_of(request_body, files)
    results = await asyncio.gather(*(release(order) for order in orders), return_exceptions=True)
    released, refusals = _sorted(results)
    return images_response(request_body, model, released, refusals)


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
