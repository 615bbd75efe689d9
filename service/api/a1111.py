"""A1111's routes (`/sdapi/v1/...`), if the operator switches them on: for clients that know no other API.

They are another way to write a request for images: what they give passed the same checks. They are not in the OpenAPI
document, because their clients bring their own.
"""

import asyncio
import base64
import binascii
import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from service.access.client import Client
from service.api.a1111_requests import ImageToImage, TextToImage, parsed
from service.api.dependencies import CurrentInstallation, CurrentServices
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.json_bodies import read_value
from service.api.keys import client_of
from service.api.model_names import ModelNames

router = APIRouter(prefix="/sdapi/v1", include_in_schema=False)


async def _current_client(request: Request, installation: CurrentInstallation) -> Client:
    """The tenant whose key was sent as a bearer token or, as A1111's clients do, as the password of Basic.

    Raises as `authenticate`.
    """
    return await client_of(request, installation, _key(request.headers.get("authorization", "")))


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return value if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


CurrentClient = Annotated[Client, Depends(_current_client)]


class Options(BaseModel):
    """What clients ask for and set: the model, which is the operator's."""

    model_config = ConfigDict(extra="forbid")

    sd_model_checkpoint: str | None = None
    samples_format: str = "png"


class Images(BaseModel):
    """A1111's answer. `info` is JSON in a text, as there; `countermark` in it is what Countermark adds."""

    images: list[str]
    parameters: dict[str, Any]
    info: str


@router.post("/txt2img")
async def text_to_image(request: Request, services: CurrentServices, client: CurrentClient) -> Images:
    """Images from text, as `/v1/images/generations` gives them."""
    return await _images(request, services, client, TextToImage)


@router.post("/img2img")
async def image_to_image(request: Request, services: CurrentServices, client: CurrentClient) -> Images:
    """An image changed, as `/v1/images/edits` gives it."""
    return await _images(request, services, client, ImageToImage)


@router.get("/options")
async def get_options(installation: CurrentInstallation, _client: CurrentClient) -> Options:
    """The name of the served model."""
    return Options(sd_model_checkpoint=await asyncio.to_thread(lambda: installation.model_name))


@router.post("/options")
async def set_options(request: Request, installation: CurrentInstallation, _client: CurrentClient) -> None:
    """Clients name the model before each request. It must be the one that is served, or an alias of it."""
    options, _ = parsed(Options, await read_value(request))
    names = ModelNames.of(await asyncio.to_thread(lambda: installation.model_name), installation.settings)
    names.warnings(options.sd_model_checkpoint)


@router.get("/sd-models")
async def list_checkpoints(installation: CurrentInstallation, _client: CurrentClient) -> list[dict[str, str | None]]:
    """The served model."""
    name = await asyncio.to_thread(lambda: installation.model_name)
    return [{"title": name, "model_name": name, "hash": None, "sha256": None, "filename": name, "config": None}]


@router.get("/progress")
async def progress(services: CurrentServices, _client: CurrentClient) -> dict[str, Any]:
    """How many orders are in progress. There is no preview: an image leaves only once it has passed every check."""
    orders = services.order_capacity.capacity - services.order_capacity.available
    state = {"skipped": False, "interrupted": False, "job": "", "job_count": orders, "job_no": 0}
    return {"progress": 0.0, "eta_relative": 0.0, "state": state, "current_image": None, "textinfo": None}


async def _images(request: Request, services: CurrentServices, client: Client, model: type[TextToImage]) -> Images:
    sent, ignored = parsed(model, await read_value(request))
    order = await asyncio.to_thread(sent.request)  # decodes images
    response = await release_images(request, services, client, order)
    warnings = [*sent.warnings, *(f"{name} has no effect" for name in ignored)]
    parameters = sent.model_dump(exclude={"init_images", "mask"})
    info = json.dumps(_info(sent, response, warnings))
    images = [image.b64_json or "" for image in response.data] if sent.send_images else []
    return Images(images=images, parameters=parameters, info=info)


def _info(sent: TextToImage, response: ImagesResponse, warnings: list[str]) -> dict[str, Any]:
    details = response.countermark
    width, height = map(int, response.size.split("x"))
    seeds = [image.seed for image in details.images]
    ours = details.model_copy(update={"warnings": [*details.warnings, *warnings]})
    return {
        "prompt": sent.prompt,
        "all_prompts": [sent.prompt] * len(seeds),
        "negative_prompt": sent.negative_prompt,
        "seed": seeds[0],
        "all_seeds": seeds,
        "width": width,
        "height": height,
        "sampler_name": sent.sampler,
        "cfg_scale": sent.cfg_scale,
        "steps": sent.steps,
        "batch_size": sent.batch_size,
        "sd_model_name": details.model,
        "infotexts": [f"{sent.prompt}\nSeed: {seed}, Size: {response.size}, Model: {details.model}" for seed in seeds],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.gmtime(response.created)),
        "countermark": ours.model_dump(mode="json", exclude_none=True),
    }
