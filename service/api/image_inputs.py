"""The input images of a request and its other fields: from a form, or from JSON with data URLs."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from service.api.forms import BINARY, form_body, form_of, is_form
from service.api.generation_requests import ImageEditRequest, ImageGenerationRequest
from service.api.json_bodies import image_in, read_json
from service.gateway.order import Order
from service.kit.errors import BadRequest, bad_field
from service.kit.surface import surface_fields

T = TypeVar("T")

MOST_IMAGES = 16
"""Images named `image`, as many as OpenAI takes. How many a pipeline takes is up to the pipeline."""

_FILES = {str(field.surface.api): field for field in surface_fields(Order) if field.is_file}
_REPEATED = {field.surface.api for field in surface_fields(Order) if field.repeated and not field.is_file}
_INDEX = re.compile(r"\[\d{0,3}\]$")
"""How some clients write one of several: `image[]`, `image[0]`."""

_MOST_FILES = MOST_IMAGES + sum(field.most for name, field in _FILES.items() if name != "image")


class ImageReference(BaseModel):
    """An image in JSON, as OpenAI writes it for images; or for chats, where `image_url` is an object with `url`."""

    model_config = ConfigDict(extra="forbid")

    image_url: str = Field(description="A `data:` URL. Addresses on the web are not fetched.")
    type: Literal["image_url", "input_image"] | None = Field(None, description="Accepted.")

    @model_validator(mode="before")
    @classmethod
    def _as_in_chats(cls, value: object) -> object:
        inner = value.get("image_url", value) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(inner, dict) or set(inner) - {"type", "detail"} != {"url"}:
            return value
        return {"image_url": inner["url"], "type": value.get("type")}


class ImageEditJson(ImageEditRequest):
    """The same in JSON: an image is a `data:` URL, plain base64, or an object with `image_url`."""

    image: str | ImageReference | Annotated[list[str | ImageReference], Field(max_length=MOST_IMAGES)] | None = Field(
        None, description="The image to change; further ones are images that the result should resemble."
    )
    images: list[ImageReference] = Field([], max_length=MOST_IMAGES, description="The same as `image`.")
    mask: str | ImageReference | None = Field(None, description="A mask of the same size.")
    reference: list[str | ImageReference] = Field(
        [], max_length=_FILES["reference"].most, description="Images that the result should resemble."
    )


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A request and its input images: `images` to change or to resemble, a `mask` of the first, and `references`."""

    fields: ImageGenerationRequest
    images: tuple[bytes, ...] = ()
    mask: bytes | None = None
    references: tuple[bytes, ...] = ()

    def for_pipeline(self, most_references: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The files of an order, by its fields, and warnings. `most_references`: how many this pipeline takes.

        Raises:
            BadRequest: there are more images than that.
        """
        first, others = self.images[:1], (*self.images[1:], *self.references)
        if len(self.images) > 1 and len(others) > most_references:
            most = 1 + most_references
            raise BadRequest(
                f"this pipeline takes {most} input {'image' if most == 1 else 'images'}; {1 + len(others)} were sent",
                hint="Send fewer. Images to resemble need an IP-Adapter, which the operator loads (reference_adapter).",
                param="image",
            )
        files: dict[str, Any] = {"references": others}
        files |= {"image": first[0]} if first else {}
        files |= {"mask": self.mask} if self.mask is not None else {}
        resembled = "the first image is changed; the result should resemble the others"
        return files, (resembled,) if len(self.images) > 1 else ()


def edit_body(model: type[ImageEditRequest]) -> dict[str, Any]:
    """The form in OpenAPI: the model's fields, and files."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    files = {name: _file_schema(name) for name in _FILES}
    return form_body({**schema["properties"], **files}, schema.get("required", []))


def _file_schema(name: str) -> dict[str, Any]:
    declared = _FILES[name]
    one = {"type": "array", "items": BINARY, "maxItems": declared.most} if declared.repeated else BINARY
    more = " Sent more than once, the result should resemble the further ones." if name == "image" else ""
    return {**one, "description": f"{declared.info.description}{more}"}


async def read_form(request: Request, model: type[ImageEditRequest]) -> ImageRequest:
    """The request in a form. Raises BadRequest if it is none, or does not fit `model`."""
    if not is_form(request):
        raise BadRequest("the request is not a form", hint="Send a form with `prompt` and a file named `image`.")
    async with form_of(request, _MOST_FILES) as form:
        texts, files = await _parts(form)
    return _with_image(
        ImageRequest(
            _validated(model, texts),
            tuple(files.get("image", ())),
            _single("mask", files.get("mask")),
            tuple(files.get("reference", ())),
        )
    )


async def read_edit(request: Request) -> ImageRequest:
    """The request in a form or in JSON. Raises BadRequest if it is neither, or does not fit."""
    if "json" not in request.headers.get("content-type", "").lower():
        return await read_form(request, ImageEditRequest)
    return await asyncio.to_thread(_from_json, await read_json(request, ImageEditJson))


def _from_json(sent: ImageEditJson) -> ImageRequest:
    """The images decoded, and the fields without them: as text they are larger than they are."""
    images = sent.image if isinstance(sent.image, list) else [sent.image] if sent.image is not None else []
    mask = [] if sent.mask is None else [sent.mask]
    return _with_image(
        ImageRequest(
            sent.model_copy(update={"image": None, "images": [], "mask": None, "reference": []}),
            tuple(_decoded([*images, *sent.images], "image")),
            next(_decoded(mask, "mask"), None),
            tuple(_decoded(sent.reference, "reference")),
        )
    )


def _decoded(sent: Sequence[str | ImageReference], param: str) -> Iterator[bytes]:
    return (image_in(each if isinstance(each, str) else each.image_url, param) for each in sent)


def _with_image(request: ImageRequest) -> ImageRequest:
    if not request.images and not request.references:
        raise BadRequest(
            "the request has no image named `image`", hint="Send the image to change as `image`.", param="image"
        )
    return request


async def _parts(form: FormData) -> tuple[dict[str, object], dict[str, list[bytes]]]:
    """The text fields, and the files, by their API names. Raises BadRequest."""
    texts: dict[str, list[str]] = {}
    files: dict[str, list[bytes]] = {}
    for key, value in form.multi_items():
        name = _INDEX.sub("", key)
        if isinstance(value, UploadFile) != (name in _FILES):
            names = ", ".join(f"`{each}`" for each in _FILES)
            raise BadRequest(f"only {names} are files", hint="See the schema at /docs.", param=_named(name))
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(await value.read())
        elif value:  # an empty text is what a form has for a field that is not set
            texts.setdefault(name, []).append(value)
    fields: dict[str, object] = {
        name: values if name in _REPEATED else _single(name, values) for name, values in texts.items()
    }
    return fields, files


def _named(name: str) -> str | None:
    """A field's name to answer with, if it is one that is known."""
    return name if name in _FILES or name in ImageEditRequest.model_fields else None


def _single(name: str, values: Sequence[T] | None) -> T | None:
    if values is not None and len(values) > 1:
        raise BadRequest("a part of the form is repeated", hint="Send it once.", param=_named(name))
    return values[0] if values else None


def _validated(model: type[ImageEditRequest], fields: Mapping[str, object]) -> ImageEditRequest:
    try:
        return model.model_validate(fields)
    except ValidationError as invalid:
        raise bad_field(invalid.errors(include_input=False, include_url=False)) from None
