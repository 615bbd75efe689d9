"""GET /v1/models and /v1/models/{model}, in the shape of OpenAI's Models API."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.api.dependencies import CurrentInstallation
from service.api.failures import LIST_MODELS, READ_MODEL
from service.api.keys import ModelsClient
from service.api.model_names import ModelNames
from service.api.openapi import failures
from service.installation import Installation
from service.kit.errors import NotFound

router = APIRouter(tags=["gateway"])


class ServedModel(BaseModel):
    """A name that `model` may have in a request for images."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(0, description="Always 0: when a model was made is not known.")
    owned_by: str = Field(description="The operator's name.")
    root: str = Field(description="The model itself; another than `id` for an alias.")


class ServedModels(BaseModel):
    """The model's own name first, then its aliases."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


@router.get(
    "/v1/models",
    operation_id="list_models",
    summary="List the names of the served model",
    responses=failures(*LIST_MODELS),
)
async def list_models(installation: CurrentInstallation, _client: ModelsClient) -> ServedModels:
    """One model is served. The operator can give it other names, so that clients of OpenAI's API find theirs."""
    return ServedModels(data=await asyncio.to_thread(_served, installation))


@router.get(
    "/v1/models/{model}",
    operation_id="get_model",
    summary="Get one name of the served model",
    responses=failures(*READ_MODEL),
)
async def get_model(
    installation: CurrentInstallation,
    _client: ModelsClient,
    model: Annotated[str, Path(max_length=200, description="A name from the list.")],
) -> ServedModel:
    """Tells whether a name is answered here."""
    served = await asyncio.to_thread(_served, installation)
    found = next((each for each in served if each.id == model), None)
    if found is None:
        raise NotFound("no model of this name is served", hint="GET /v1/models lists the names.")
    return found


def _served(installation: Installation) -> list[ServedModel]:
    """Raises Unavailable, Misconfigured: the model has to be loaded to know its name, and cannot be."""
    settings, own = installation.settings, installation.model_name
    return [ServedModel(id=name, owned_by=settings.provider, root=own) for name in ModelNames.of(own, settings)]
