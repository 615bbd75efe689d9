"""The C2PA Soft Binding Resolution API 1.0.0: manifests by watermark, by fingerprint, by image, and by identifier."""

import re
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import public_examination
from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentServices
from service.api.failures import FETCH_MANIFEST, MATCH_BINDING, MATCH_CONTENT, MATCH_LARGE_BINDING, SUPPORTED_ALGORITHMS
from service.api.forms import BINARY
from service.api.key_limits import take
from service.api.keys import ManifestsClient
from service.api.openapi import failures
from service.examiner.resolution import FINGERPRINT, WATERMARKS, Match, SoftBindings
from service.installation import Installation
from service.kit.errors import BadRequest, BrokenPicture, QueryTooLong, UnsupportedFormat, UnsupportedPixels
from service.media.pictures import decode_first

router = APIRouter(tags=["soft binding resolution"])
_LONGEST_VALUE = 2048
_MANIFEST_ID = re.compile(r"urn:(c2pa|uuid):[0-9A-Za-z:.~_-]{1,180}")
_ASSET = {f"{kind}/*": {"schema": BINARY} for kind in ("image", "audio", "video", "application", "model", "text")}
_C2PA = "application/c2pa"

MaxResults = Annotated[int, Query(alias="maxResults", ge=1, description="Most manifest identifiers in the answer.")]
Algorithm = Annotated[str, Query(description="Name and version of the soft binding algorithm.")]


class SoftBindingQuery(BaseModel):
    """A soft binding to look for."""

    model_config = ConfigDict(extra="ignore")

    alg: str = Field(description="Name and version of the soft binding algorithm.")
    value: str = Field(description="Base64 of the soft binding's value.")


class ManifestMatch(BaseModel):
    """A manifest whose image matches."""

    manifestId: str = Field(description="Identifier of the manifest, for `GET /v1/manifests/{manifestId}`.")  # noqa: N815
    similarityScore: int | None = Field(  # noqa: N815
        None, ge=0, le=100, description="Strength of the match, where it has degrees: 0 weakest, 100 strongest."
    )


class SoftBindingQueryResult(BaseModel):
    matches: list[ManifestMatch]


class AlgorithmName(BaseModel):
    alg: str


class SoftBindingAlgList(BaseModel):
    watermarks: list[AlgorithmName]
    fingerprints: list[AlgorithmName]


@router.get(
    "/v1/matches/byBinding",
    operation_id="query_by_binding",
    summary="Find manifests by a soft binding",
    responses=failures(*MATCH_BINDING),
    response_model_exclude_none=True,
)
async def query_by_binding(
    request: Request,
    services: CurrentServices,
    client: ManifestsClient,
    value: Annotated[str, Query(description="Base64 of the soft binding's value.")],
    alg: Algorithm,
    max_results: MaxResults = 10,
) -> SoftBindingQueryResult:
    """C2PA Soft Binding Resolution API 1.0.0. Only images that were issued here are known."""
    public_examination.count_in_open_tier(services, client, request)
    if len(value) > _LONGEST_VALUE:
        raise QueryTooLong(f"the value has {len(value):,} characters; a query takes {_LONGEST_VALUE:,}")
    return await _by_binding(services, alg, value, max_results)


@router.post(
    "/v1/matches/byBinding",
    operation_id="query_by_large_binding",
    summary="Find manifests by a large soft binding",
    responses=failures(*MATCH_LARGE_BINDING),
    response_model_exclude_none=True,
)
async def query_by_large_binding(
    request: Request,
    services: CurrentServices,
    client: ManifestsClient,
    query: Annotated[SoftBindingQuery, Body()],
    max_results: MaxResults = 10,
) -> SoftBindingQueryResult:
    """As `GET`, for values that do not fit into a URL."""
    public_examination.count_in_open_tier(services, client, request)
    return await _by_binding(services, query.alg, query.value, max_results)


@router.post(
    "/v1/matches/byContent",
    operation_id="query_by_content",
    summary="Find manifests by an image",
    responses=failures(*MATCH_CONTENT),
    response_model_exclude_none=True,
    openapi_extra={"requestBody": {"required": True, "description": "The asset itself.", "content": _ASSET}},
)
async def query_by_content(
    request: Request,
    services: CurrentServices,
    client: ManifestsClient,
    alg: Annotated[str | None, Query(description="Look by this algorithm alone.")] = None,
    max_results: MaxResults = 10,
    hint_alg: Annotated[str | None, Query(alias="hintAlg", description="Another algorithm to look by.")] = None,
    hint_value: Annotated[str | None, Query(alias="hintValue", description="Base64 of its value.")] = None,
) -> SoftBindingQueryResult:
    """By the image's watermark and its look. The file is not kept."""
    if (hint_alg is None) != (hint_value is None):
        raise BadRequest("hintAlg and hintValue go together", hint="Send both or neither.")
    public_examination.count(services, client, request)
    hint = (hint_alg, hint_value) if hint_alg is not None and hint_value is not None else None
    body = await request.body()
    await take(request, services.installation, client, "examinations", 1)
    found = await run_in_thread(
        services.image_threads, _by_content, services.installation, body, max_results, alg, hint
    )
    return _result(found)


@router.get(
    "/v1/manifests/{manifestId}",
    operation_id="get_manifest_by_id",
    summary="Fetch a manifest store",
    response_class=Response,
    responses={
        **failures(*FETCH_MANIFEST),
        200: {"description": "The manifest store.", "content": {_C2PA: {"schema": BINARY}}},
    },
)
async def get_manifest_by_id(
    request: Request,
    services: CurrentServices,
    client: ManifestsClient,
    manifest_id: Annotated[str, Path(alias="manifestId", description="Identifier of the manifest.")],
    active_only: Annotated[
        bool, Query(alias="returnActiveManifest", description="Leave out the manifests of ingredients.")
    ] = False,
) -> Response:
    """The manifest store that was issued with an image, as it was signed. Where manifests are open to the public,
    whoever has no key gets the active manifest alone: those of an input image may name people."""
    public_examination.count_in_open_tier(services, client, request)
    if not _MANIFEST_ID.fullmatch(manifest_id):
        raise BadRequest("this is not the identifier of a manifest", hint="Identifiers begin with urn:c2pa:.")
    alone = active_only or client.system_only
    store = await run_in_thread(
        services.image_threads, _bindings(services.installation).manifest, manifest_id, active_only=alone
    )
    return Response(store, media_type=_C2PA)


@router.get(
    "/v1/services/supportedAlgorithms",
    operation_id="get_supported_bindings",
    summary="List the soft binding algorithms that are resolved here",
    responses=failures(*SUPPORTED_ALGORITHMS),
)
async def get_supported_bindings() -> SoftBindingAlgList:
    watermarks = [AlgorithmName(alg=name) for name in WATERMARKS]
    return SoftBindingAlgList(watermarks=watermarks, fingerprints=[AlgorithmName(alg=FINGERPRINT)])


async def _by_binding(services: CurrentServices, alg: str, value: str, most: int) -> SoftBindingQueryResult:
    find = _bindings(services.installation).by_binding
    return _result(await run_in_thread(services.image_threads, find, alg, value, most))


def _by_content(
    installation: Installation, data: bytes, most: int, algorithm: str | None, hint: tuple[str, str] | None
) -> list[Match]:
    try:
        picture = decode_first(data, installation.limits)
    except (BrokenPicture, UnsupportedPixels) as unusable:  # the API knows one answer to an asset it cannot use
        raise UnsupportedFormat(unusable.message) from unusable
    return _bindings(installation).by_content(picture, most, algorithm, hint)


def _bindings(installation: Installation) -> SoftBindings:
    return SoftBindings(installation.ledger, installation.codec)


def _result(found: list[Match]) -> SoftBindingQueryResult:
    return SoftBindingQueryResult(
        matches=[ManifestMatch(manifestId=match.manifest_id, similarityScore=match.score) for match in found]
    )
