"""POST /v1/consent/enrolments: enrolling one's own face, where the operator has switched that on."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentInstallation, CurrentServices
from service.api.problems import responses
from service.api.uploads import Upload, with_text
from service.installation import Installation
from service.kit.errors import BadRequest, NotLive, SwitchedOff, TooLarge, TooMany, Unavailable
from service.kit.settings import PREFIX
from service.likeness import enrolment
from service.likeness.enrolment import MOST_PHOTOS
from service.likeness.liveness import Challenge
from service.likeness.schemas import Enrolled
from service.media.pictures import limits_of

router = APIRouter(tags=["consent"])

_FORM = {
    "type": "object",
    "required": ["name", "file"],
    "properties": {
        "name": {"type": "string", "maxLength": 200, "description": "Your name; kept sealed."},
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": MOST_PHOTOS,
            "description": "Photos of you alone, one for each pose and in that order. They are not kept.",
        },
    },
}
_BODY: dict[str, Any] = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}


@router.post(
    "/v1/consent/enrolments",
    status_code=201,
    summary="Ask what to show to enrol my face",
    responses=responses(SwitchedOff, TooMany, Unavailable),
)
async def challenge(installation: CurrentInstallation) -> Challenge:
    """Answer it within five minutes with one photo for each pose. It serves for one attempt."""
    _check_switched_on(installation)
    return await asyncio.to_thread(installation.liveness.challenge)


@router.post(
    "/v1/consent/enrolments/{challenge}",
    status_code=201,
    summary="Enrol my face",
    responses=responses(SwitchedOff, BadRequest, TooLarge, NotLive, TooMany, Unavailable),
    openapi_extra={"requestBody": _BODY},
)
async def enrol(
    request: Request,
    services: CurrentServices,
    challenge: Annotated[str, Path(max_length=40, description="The `id` of the challenge.")],
) -> Enrolled:
    """Pictures that show this face are refused from now on. Keep number and PIN: the PIN is shown this once."""
    installation = services.installation
    _check_switched_on(installation)
    name, files = await with_text(request, "name", min(installation.liveness.most_photos, MOST_PHOTOS))
    return await run_in_thread(services.image_threads, _enrol, installation, challenge, name, files)


def _check_switched_on(installation: Installation) -> None:
    """Raises SwitchedOff unless the operator lets people enrol themselves."""
    if not installation.settings.self_enrolment:
        raise SwitchedOff(
            "self-enrolment is switched off",
            hint=f"The operator enrols people (`countermark consent enrol`), or sets {PREFIX}SELF_ENROLMENT=true.",
        )


def _enrol(installation: Installation, challenge: str, name: str, files: list[Upload]) -> Enrolled:
    limits = limits_of(installation.settings)
    photos = [data for data, _ in files]
    return enrolment.enrol_self(
        installation.consent, installation.liveness, installation.likeness.model, limits, challenge, name, photos
    )
