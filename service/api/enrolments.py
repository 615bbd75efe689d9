"""POST /v1/consent/enrolments: people enrol their own face, if the operator has switched that on."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentInstallation, CurrentServices
from service.api.failures import ENROL, START_ENROLMENT
from service.api.forms import form_body
from service.api.idempotency import KEY_HEADER, PublicRoute
from service.api.openapi import failures
from service.api.uploads import Upload, text_and_files
from service.installation import Installation
from service.kit.errors import SwitchedOff
from service.kit.settings import PREFIX
from service.likeness import enrolment
from service.likeness.enrolment import MOST_PHOTOS
from service.likeness.liveness import Challenge
from service.likeness.schemas import Enrolled

router = APIRouter(tags=["consent"], route_class=PublicRoute)

_BODY = form_body(
    {
        "name": {"type": "string", "maxLength": 200, "description": "Your name. It is stored encrypted."},
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": MOST_PHOTOS,
            "description": "Photos of you alone, one for each pose and in that order. They are not kept.",
        },
    },
    required=["name", "file"],
)


@router.post(
    "/v1/consent/enrolments",
    status_code=201,
    operation_id="start_enrolment",
    summary="Start to enrol my face",
    dependencies=KEY_HEADER,
    responses=failures(*START_ENROLMENT),
)
async def start_enrolment(installation: CurrentInstallation) -> Challenge:
    """Returns the poses to show. Complete the enrolment within five minutes, with one photo for each pose. A challenge
    can be used once."""
    _check_switched_on(installation)
    return await asyncio.to_thread(installation.liveness.challenge)


@router.post(
    "/v1/consent/enrolments/{challenge}",
    status_code=201,
    operation_id="complete_enrolment",
    summary="Enrol my face",
    dependencies=KEY_HEADER,
    responses=failures(*ENROL),
    openapi_extra={"requestBody": _BODY},
)
async def complete_enrolment(
    request: Request,
    services: CurrentServices,
    challenge: Annotated[str, Path(max_length=40, description="The `id` of the challenge.")],
) -> Enrolled:
    """Images that show this face are refused from now on. Keep the subject's number and the PIN, which is not shown
    again."""
    installation = services.installation
    _check_switched_on(installation)
    name, files = await text_and_files(request, "name", min(installation.liveness.most_photos, MOST_PHOTOS))
    return await run_in_thread(services.image_threads, _enrol, installation, challenge, name, files)


def _check_switched_on(installation: Installation) -> None:
    """Raises SwitchedOff unless the operator lets people enrol themselves."""
    if not installation.settings.self_enrolment:
        raise SwitchedOff(
            "self-enrolment is switched off",
            hint=f"The operator enrols people (`countermark consent enrol`), or sets {PREFIX}SELF_ENROLMENT=true.",
        )


def _enrol(installation: Installation, challenge: str, name: str, files: list[Upload]) -> Enrolled:
    photos = [data for data, _ in files]
    return enrolment.enrol_self(
        installation.consent,
        installation.liveness,
        installation.likeness.model,
        installation.limits,
        challenge,
        name,
        photos,
    )
