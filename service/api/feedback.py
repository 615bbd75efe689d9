"""POST /v1/feedback."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body

from service.api.dependencies import CurrentInstallation
from service.api.failures import GIVE_FEEDBACK
from service.api.keys import EXAMINER, OptionalClient
from service.api.openapi import failures
from service.examiner.feedback import Feedback, FeedbackReceipt

router = APIRouter(tags=["examiner"], dependencies=EXAMINER)


@router.post(
    "/v1/feedback",
    status_code=201,
    operation_id="give_feedback",
    summary="Say what an examined image is",
    responses=failures(*GIVE_FEEDBACK),
)
async def give_feedback(
    installation: CurrentInstallation, client: OptionalClient, feedback: Annotated[Feedback, Body()]
) -> FeedbackReceipt:
    """The label is kept beside the record of the examination and changes no answer. A later one replaces it.

    Only where the operator records scores does an answer have an `examination` to name.
    """
    return await asyncio.to_thread(installation.feedback.give, feedback, client.name or None if client else None)
