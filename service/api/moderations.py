"""POST /v1/moderations, in the shape of OpenAI's Moderations API, from the checks that orders pass here."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from service.api.capacity import drop_on_disconnect, run_in_thread
from service.api.dependencies import CurrentExamination, CurrentServices
from service.api.failures import MODERATE
from service.api.json_bodies import image_in, read_json
from service.api.keys import CurrentClient
from service.api.openapi import failures, reference
from service.gateway.content_checks import ContentFinding, together
from service.installation import Installation
from service.kit.errors import BadRequest
from service.kit.strict_schema import StrictModel
from service.media.pictures import decode_first

router = APIRouter(tags=["gateway"])

MOST_INPUTS = 32
LONGEST_TEXT = 100_000
"""Characters of all texts of a request together: every 2,000 cost milliseconds of a processor."""

_MODEL = "countermark"

InputType = Literal["text", "image"]
Category = Literal[
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
]  # fmt: skip

_CATEGORIES: Mapping[str, Category] = {
    "harassment": "harassment",
    "hate": "hate",
    "illegal": "illicit",
    "nsfw": "sexual",
    "self_harm": "self-harm",
    "sexual": "sexual",
    "sexual_minors": "sexual/minors",
    "shocking": "violence/graphic",
    "violence": "violence",
}
"""OpenAI's names for ours. It has none for `named_person`, and we check none of its others by themselves."""


Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class ModeratedText(StrictModel):
    type: Literal["text"]
    text: Text


class InlineImage(StrictModel):
    url: str = Field(description="A `data:` URL. Addresses on the web are not fetched.")


class ModeratedImage(StrictModel):
    type: Literal["image_url"]
    image_url: InlineImage


ModeratedPart = Annotated[ModeratedText | ModeratedImage, Field(discriminator="type")]


class ModerationRequest(StrictModel):
    """OpenAI's request. A list of texts gets a result for each; a list of parts gets one for all of them."""

    input: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_INPUTS)]
        | Annotated[list[ModeratedPart], Field(min_length=1, max_length=MOST_INPUTS)]
    )
    model: str | None = Field(None, max_length=200, description="Accepted; the checks are the operator's.")

    @property
    def inputs(self) -> list[list[ModeratedText | ModeratedImage]]:
        """The parts of each input that gets a result."""
        if isinstance(self.input, str):
            return [[ModeratedText(type="text", text=self.input)]]
        texts = [each for each in self.input if isinstance(each, str)]
        parts = [each for each in self.input if not isinstance(each, str)]
        return [parts] if parts else [[ModeratedText(type="text", text=text)] for text in texts]


class OwnFinding(BaseModel):
    """The same in this installation's own terms: categories of its prompt screen, and labels of its safety checks."""

    scores: dict[str, float]
    refused: list[str] = Field(description="What an order would be refused for.")


class ModerationResult(BaseModel):
    """One input. A category that nothing here checks by itself is false, with a score of 0."""

    flagged: bool = Field(description="An order would be refused.")
    categories: dict[Category, bool]
    category_scores: dict[Category, float]
    category_applied_input_types: dict[Category, list[InputType]] = Field(description="What was checked for it.")
    countermark: OwnFinding


class Moderation(BaseModel):
    id: str
    model: str
    results: list[ModerationResult]


@router.post(
    "/v1/moderations",
    operation_id="moderate_content",
    summary="Check texts and images as prompts and generated images are checked",
    responses=failures(*MODERATE),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference(ModerationRequest)}}}
    },
)
async def moderate(
    request: Request, services: CurrentServices, _client: CurrentClient, examination: CurrentExamination
) -> Moderation:
    """Nothing is stored. An order can still be refused for what is not checked here: hash lists, protected people, the
    image that it gives."""
    sent = await read_json(request, ModerationRequest)
    inputs = sent.inputs
    _check_length(inputs)
    examination.take(1)
    work = run_in_thread(services.image_threads, _results, services.installation, inputs)
    results = await drop_on_disconnect(request, work)
    return Moderation(id=f"modr-{uuid.uuid4().hex}", model=_MODEL, results=results)


def _check_length(inputs: Sequence[Sequence[ModeratedText | ModeratedImage]]) -> None:
    length = sum(len(part.text) for parts in inputs for part in parts if isinstance(part, ModeratedText))
    if length > LONGEST_TEXT:
        raise BadRequest(f"the texts have {length:,} characters; at most {LONGEST_TEXT:,} are checked", param="input")


def _results(
    installation: Installation, inputs: Sequence[Sequence[ModeratedText | ModeratedImage]]
) -> list[ModerationResult]:
    """Raises InputError: an image cannot be read; Unavailable: a check gives no answer."""
    return [_result(installation, parts) for parts in inputs]


def _result(installation: Installation, parts: Sequence[ModeratedText | ModeratedImage]) -> ModerationResult:
    found: dict[InputType, list[ContentFinding]] = {"text": [], "image": []}
    for part in parts:
        if isinstance(part, ModeratedText):
            found["text"].append(installation.content_checks.text(part.text))
        else:
            picture = decode_first(image_in(part.image_url.url, "input"), installation.limits)
            found["image"].append(installation.content_checks.image(picture.rgb))
    whole = together([finding for findings in found.values() for finding in findings])
    scores, refused = _in_openais_words(whole)
    checked = {kind: _in_openais_words(together(findings))[0] for kind, findings in found.items()}
    every: tuple[Category, ...] = get_args(Category)
    return ModerationResult(
        flagged=bool(whole.refused),
        categories={name: name in refused for name in every},
        category_scores={name: scores.get(name, 0.0) for name in every},
        category_applied_input_types={name: [kind for kind in checked if name in checked[kind]] for name in every},
        countermark=OwnFinding(scores=dict(whole.scores), refused=sorted(whole.refused)),
    )


def _in_openais_words(finding: ContentFinding) -> tuple[dict[Category, float], set[Category]]:
    """The scores, and what is refused, by OpenAI's categories."""
    scores: dict[Category, float] = {}
    for name, score in finding.scores.items():
        if name in _CATEGORIES:
            category = _CATEGORIES[name]
            scores[category] = max(score, scores.get(category, 0.0))
    return scores, {_CATEGORIES[name] for name in finding.refused if name in _CATEGORIES}
