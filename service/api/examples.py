"""An example of every operation and of every error, for the OpenAPI document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.api.problems import problem_of
from service.examiner.report import REASONS, VERSION
from service.kit.errors import (
    AdapterRefused,
    BadRequest,
    Blocked,
    BrokenArchive,
    BrokenPicture,
    Busy,
    CheckpointNotTaken,
    ClientRemoved,
    EditTooSmall,
    EmptyPrompt,
    Error,
    FaceModelChanged,
    Gone,
    HeadTooLarge,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    JobAbandoned,
    JobCancelled,
    JobUnfinished,
    KeyExpired,
    KeyRevoked,
    LikenessHeld,
    LikenessRefused,
    Misconfigured,
    NotFound,
    NothingKnown,
    NotLive,
    Overloaded,
    PinTooShort,
    PromptRefused,
    QueryTooLong,
    QuotaExceeded,
    RateLimited,
    Refusal,
    RequestTimeout,
    ScopeMissing,
    StageFailed,
    SwitchedOff,
    TooLarge,
    TooMany,
    TooManyExaminations,
    TooManyPins,
    Unauthorized,
    Unavailable,
    UnknownHost,
    Unmarkable,
    Unsafe,
    UnsupportedFormat,
    UnsupportedPixels,
)

Json = dict[str, Any]

_REQUEST_ID = "7c1b0a5e2f6d4c3b9a8e7d6c5b4a3f2e"
_CONTENT_ID = "urn:uuid:6f1c7a52-0f0e-4a55-9c3b-2a1d8f4f0c11"
_SHA256 = "9f2c4d1be0a35768c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4a5b6c7d8"
_TIME, _LATER = "2026-03-01T12:00:00+00:00", "2026-03-03T12:00:00+00:00"
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
_FILE = "(the bytes of the file)"
_JSON, _FORM = "application/json", "multipart/form-data"
# Made with a key that is not in use: three decisions, and a proof of the second.
_LOG_KEY = "example.com/countermark+8d24a9a4+AUQpkwZQBKoeTEj03QFYGUwCNJvMZkzZbkAOommRio1R"
_CHECKPOINT = """example.com/countermark
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

— example.com/countermark \
jSSppGtHKYePnOOZu+PTONIdAg7gjK7dpS/dnNnLvbnOB8OCNRTli02a/YzMdPe9/DTzAjr9tpQ0eoHIExQceHuh2wY=
"""
_PROOF = f"""c2sp.org/tlog-proof@v1
index 1
Aippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=
WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg=

{_CHECKPOINT}"""
_DECISION = "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184"


def _refusal(refusal: Refusal) -> Refusal:
    refusal.content_id = _CONTENT_ID
    return refusal


_ERRORS: Mapping[type[Error], Error] = {
    type(error): error
    for error in (
        Error("an internal error occurred"),
        BadRequest("size: String should match pattern '^(auto|\\d{2,4}x\\d{2,4})$'"),
        EmptyPrompt(),
        NothingKnown(["fox", "lighthouse"], near=True),
        QueryTooLong("the value has 4,096 characters; a query takes 2,048"),
        UnsupportedFormat("the file is not an image in a supported format"),
        BrokenPicture("the file ends in the middle of the image"),
        TooLarge("the body has more than 33,619,968 bytes"),
        UnsupportedPixels("CMYK images are not supported"),
        NotLive("there is no such challenge, or it has expired"),
        _refusal(Unsafe("the image was refused by the safety check", stage="screen")),
        _refusal(Blocked("the image is on a hash list", stage="screen")),
        _refusal(Unmarkable("the watermark could not be read back from the image", stage="mark")),
        _refusal(EditTooSmall("the mask selects 64 of 65,536 px, the least is 1.00% of the image", stage="admit")),
        _refusal(PromptRefused(["self_harm"])),
        _refusal(LikenessRefused("the image shows a protected person without a grant", stage="screen")),
        _refusal(LikenessHeld("the image may show a protected person", stage="screen")),
        _refusal(AdapterRefused("an adapter is not on the operator's list", stage="admit")),
        _refusal(StageFailed("the stage 'screen' failed", stage="screen")),
        _refusal(CheckpointNotTaken("a required witness did not answer within 5 s", stage="issue")),
        Gone("the image was fetched before", stage="admit"),
        _refusal(ClientRemoved("the key was removed while the image was generated", stage="issue")),
        TooMany(retry_after=12),
        TooManyExaminations(retry_after=60),
        TooManyPins(retry_after=8),
        PinTooShort("this PIN has eight digits, and somebody tries to guess it"),
        NotFound("there is no such entry"),
        Unauthorized("a key is required"),
        KeyExpired(f"this key expired at {_TIME}"),
        KeyRevoked("this key was revoked"),
        ScopeMissing("generate"),
        RateLimited(retry_after=2, most=60),
        QuotaExceeded(retry_after=30_600, quota="images_per_day", most=500, left=1, asked=4),
        SwitchedOff("self-enrolment is switched off"),
        Busy("32 images are already waiting", retry_after=20),
        BrokenArchive("the archive has no files in it"),
        JobUnfinished("the job is running: 1 of 4 done"),
        JobCancelled("the job was cancelled"),
        JobAbandoned("the job was begun 10 times and never got on"),
        IdempotencyKeyReused("this Idempotency-Key came with another request before"),
        IdempotencyKeyInUse("the request with this Idempotency-Key is being answered", retry_after=5),
        Overloaded("too many connections are open", retry_after=10),
        RequestTimeout("the body of the request did not arrive in time"),
        HeadTooLarge("the headers have more than 65,536 bytes"),
        UnknownHost("the request names a host that is not allowed here"),
        Unavailable("the ledger cannot be read"),
        FaceModelChanged("2 people were enrolled with a different face model than faces@1"),
        Misconfigured("the trial signature fails: the certificate has expired"),
    )
}


def example_of(error: type[Error]) -> Error:
    """A typical error of a class. Raises KeyError for a class that no operation answers with."""
    return _ERRORS[error]


def problem_example(error: Error) -> Json:
    """The body that an error is answered with."""
    problem = problem_of(error, _REQUEST_ID).model_dump()
    return {name: value for name, value in problem.items() if name != "appeal" or value}


@dataclass(frozen=True, slots=True)
class Example:
    """One use of an operation: its parameters by name, bodies by media type, and responses by status.

    `stream`: the same response as an event stream, if the operation has one.
    """

    responses: Mapping[int, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    bodies: Mapping[str, Any] = field(default_factory=dict)
    stream: str = ""

    def add_to(self, operation: Json) -> None:
        """Write the example into an operation of an OpenAPI document. Raises KeyError for parts it does not have."""
        for name, value in self.parameters.items():
            by_name = {parameter["name"]: parameter for parameter in operation["parameters"]}
            by_name[name]["example"] = value
        for media_type, value in self.bodies.items():
            operation["requestBody"]["content"][media_type]["example"] = value
        for status, value in self.responses.items():
            content, *others = operation["responses"][str(status)]["content"].values()
            content["example"] = value
            for other in others:
                other["example"] = self.stream


_MANIFEST = "urn:c2pa:be6f78ce-03d4-465b-839d-e11fcdc25f5b"
_MATCHES: Json = {"matches": [{"manifestId": _MANIFEST}]}
_RELEASED: Json = {
    "content_id": _CONTENT_ID,
    "mark_id": "3f9a0c5d7e21",
    "sha256": _SHA256,
    "seed": 7,
    "decision": _DECISION,
    "proof": _PROOF,
    "safety": [{"detector": "open_nsfw", "label": "nsfw", "score": 0.0123}],
    "warnings": [],
    "energy": {"seconds": 4.2, "watt_hours": 0.11, "method": "rapl"},
    "timestamp": "stamped",
}
_IMAGES: Json = {
    "created": 1772366400,
    "data": [{"b64_json": _PNG}],
    "background": "opaque",
    "output_format": "png",
    "quality": "standard",
    "size": "512x512",
    "countermark": {"model": "countermark-base", "images": [_RELEASED], "refusals": [], "warnings": []},
}


def _stream(kind: str) -> str:
    """The same as one event of a stream."""
    event = {
        "type": f"{kind}.completed",
        "b64_json": _PNG,
        "background": "opaque",
        "created_at": _IMAGES["created"],
        **{name: _IMAGES[name] for name in ("output_format", "quality", "size", "countermark")},
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
            "output_tokens": 0,
            "total_tokens": 0,
        },
    }
    return f"event: {kind}.completed\ndata: {json.dumps(event)}\n\n"


_MODEL: Json = {
    "id": "countermark-base",
    "object": "model",
    "created": 0,
    "owned_by": "Example Provider",
    "root": "countermark-base",
}
_INFERRED: Json = {
    "state": "available",
    "verdict": "likely_synthetic",
    "p_synthetic": 0.93,
    "interval": [0.77, 0.95],
    "threshold_fpr": 0.05,
    "synthetic_above": 0.81,
    "camera_below": 0.2,
    "kind": "illustration",
    "kind_rates": {"real": 427, "synthetic": 366, "false_positives": 0.034, "recall": 0.73},
    "findings": [{"detector": "synthetic", "score": 0.91, "model": "synthetic-2", "digest": _SHA256}],
    "calibration": "synthetic-2",
    "warnings": [],
    "reasons": [{"code": "classifiers_synthetic", "text": REASONS["classifiers_synthetic"]}],
}
_REPORT: Json = {
    "version": VERSION,
    "file": "fox.png",
    "asset": {"sha256": _SHA256, "mime": "image/png", "bytes": 481516, "width": 512, "height": 512},
    "verdict": "issued_here",
    "outcome": "verified",
    "claimed": {"state": "trusted", "signer": "Example Provider", "generator": "Countermark"},
    "marked": [{"codec": "countermark", "present": True, "mark_id": "3f9a0c5d7e21", "confidence": 1.0}],
    "matched": [],
    "inferred": _INFERRED,
    "conflicts": [],
    "reasons": [{"code": code, "text": REASONS[code]} for code in ("credential_trusted", "file_issued_here")],
}
_LINE_ERROR = {"code": "broken_picture", "message": "the file is damaged", "hint": "Send the file again."}
_DETECTIONS = (
    '{"state":"available","verdict":"likely_synthetic","p_synthetic":0.93,"interval":[0.77,0.95],'
    f'"file":"a.jpg","sha256":"{_SHA256}"}}\n'
    f'{{"file":"b.jpg","error":{str(_LINE_ERROR).replace(chr(39), chr(34))}}}\n'
)
_CASE, _CASE_PIN = "T-7Q2M-4K9D-1B6X-8RCV", "48291364"
_NOTICE: Json = {
    "signature": "Ann Example",
    "url": "https://example.com/photo.jpg",
    "statement": "This is an intimate image of me. I did not agree to its publication.",
    "good_faith": True,
    "contact": "ann@example.com",
}
_APPEAL = "A-5W8N-2C6R-9T3H-0KZE"
_SUBJECT, _SUBJECT_PIN, _GRANT = "S-1A2B-3C4D-5E6F-7G8H", "73910528", "G-1A2B-3C4D-5E6F-7G8H"
_GRANTED: Json = {
    "id": _GRANT,
    "subject": _SUBJECT,
    "purpose": "a poster for the spring festival",
    "scopes": ["portrait"],
    "grantee": "default",
    "created_at": _TIME,
    "expires_at": _LATER,
    "revoked_at": None,
    "state": "live",
    "receipt": "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJHLTFBMkIifQ.c2lnbmF0dXJl",
    "receipt_digest": _SHA256,
}
_USE: Json = {"grant": _GRANT, "content_id": _CONTENT_ID, "at": _TIME, "withdrawn_at": None}
_CHALLENGE = "L-9X4T-6H1V-3D8P-2NQW"
_KEYED = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
_OF_SUBJECT = {"subject": _SUBJECT, "X-Subject-Pin": _SUBJECT_PIN}

_JOB_ID = "J-3F6K-8W2C-5T0Q-9MZX"
_JOB: Json = {
    "id": _JOB_ID,
    "object": "job",
    "kind": "images.generation",
    "status": "running",
    "created_at": _TIME,
    "started_at": _TIME,
    "ended_at": None,
    "expires_at": None,
    "progress": {"done": 1, "total": 4},
    "cancelling": False,
    "error": None,
}
_NEW_JOB: Json = {**_JOB, "status": "queued", "started_at": None, "progress": {"done": 0, "total": 4}}
_ENDED_JOB: Json = {**_JOB, "status": "succeeded", "ended_at": _TIME, "expires_at": _LATER}
_OF_JOB = {"job": _JOB_ID}
_INSPECTED = f"{json.dumps(_REPORT)}\n{json.dumps({'file': 'b.jpg', 'error': _LINE_ERROR})}\n"

EXAMPLES: Mapping[str, Example] = {
    "generate_images": Example(
        parameters=_KEYED,
        bodies={_JSON: {"prompt": "a red fox in the snow at night", "n": 1, "seed": 7, "response_format": "b64_json"}},
        responses={200: _IMAGES, 202: _NEW_JOB},
        stream=_stream("image_generation"),
    ),
    "edit_images": Example(
        parameters=_KEYED,
        bodies={
            _FORM: {"prompt": "the same fox in summer", "image": _FILE, "strength": 0.6},
            _JSON: {"prompt": "the same fox in summer", "image": f"data:image/png;base64,{_PNG}", "strength": 0.6},
        },
        responses={200: _IMAGES, 202: _NEW_JOB},
        stream=_stream("image_edit"),
    ),
    "vary_images": Example(
        parameters=_KEYED,
        bodies={_FORM: {"image": _FILE, "n": 2}},
        responses={200: _IMAGES, 202: _NEW_JOB},
        stream=_stream("image_edit"),
    ),
    "list_models": Example(responses={200: {"object": "list", "data": [_MODEL, {**_MODEL, "id": "gpt-image-1"}]}}),
    "get_model": Example(parameters={"model": "countermark-base"}, responses={200: _MODEL}),
    "moderate_content": Example(
        bodies={_JSON: {"input": "a red fox in the snow"}},
        responses={
            200: {
                "id": "modr-7c1b0a5e2f6d4c3b9a8e7d6c5b4a3f2e",
                "model": "countermark",
                "results": [
                    {
                        "flagged": False,
                        "categories": {"sexual": False, "violence": False},
                        "category_scores": {"sexual": 0.02, "violence": 0.01},
                        "category_applied_input_types": {"sexual": ["text"], "violence": ["text"]},
                        "countermark": {"scores": {"sexual": 0.02, "violence": 0.01}, "refused": []},
                    }
                ],
            }
        },
    ),
    "fetch_held_image": Example(
        parameters={"content_id": _CONTENT_ID},
        responses={
            200: {"created": 1772366400, "data": [{"b64_json": _PNG}], "mime": "image/png", "countermark": _RELEASED},
            202: {"id": _CONTENT_ID, "status": "waiting", "held_at": _TIME, "until": _LATER},
        },
    ),
    "inspect_image": Example(bodies={_FORM: {"file": _FILE}}, responses={200: _REPORT}),
    "detect_images": Example(
        parameters={"threshold_fpr": 0.05}, bodies={_FORM: {"file": [_FILE, _FILE]}}, responses={200: _DETECTIONS}
    ),
    "inspect_images": Example(
        parameters=_KEYED,
        bodies={_FORM: {"file": [_FILE, _FILE]}},
        responses={202: {**_NEW_JOB, "kind": "inspection", "progress": {"done": 0, "total": 2}}},
    ),
    "list_jobs": Example(
        parameters={"limit": 20, "after": _JOB_ID},
        responses={200: {"object": "list", "data": [_JOB], "has_more": False}},
    ),
    "get_job": Example(parameters=_OF_JOB, responses={200: _JOB}),
    "cancel_job": Example(parameters=_OF_JOB, responses={200: {**_JOB, "cancelling": True}}),
    "delete_job": Example(parameters=_OF_JOB, responses={}),
    "get_job_result": Example(parameters=_OF_JOB, responses={200: _IMAGES}, stream=_INSPECTED),
    "follow_job": Example(
        parameters={**_OF_JOB, "Last-Event-ID": "3"},
        responses={200: f"retry: 2000\n\nid: 4\nevent: job\ndata: {json.dumps(_ENDED_JOB)}\n\n"},
    ),
    "give_feedback": Example(
        bodies={_JSON: {"examination": _REQUEST_ID, "label": "real", "who": "author"}},
        responses={201: {"examination": _REQUEST_ID, "label": "real", "who": "author", "received_at": _TIME}},
    ),
    "file_takedown": Example(
        parameters=_KEYED,
        bodies={_JSON: _NOTICE, _FORM: {"notice": '{"signature": "Ann Example", "good_faith": true}', "file": _FILE}},
        responses={
            201: {
                "case": _CASE,
                "pin": _CASE_PIN,
                "status": "received",
                "received_at": _TIME,
                "due_at": _LATER,
                "blocked": True,
            }
        },
    ),
    "get_takedown": Example(
        parameters={"case": _CASE, "x-case-pin": _CASE_PIN},
        responses={
            200: {
                "case": _CASE,
                "status": "removed",
                "received_at": _TIME,
                "due_at": _LATER,
                "decided_at": _LATER,
                "reason": "The image was removed and its copies are blocked.",
            }
        },
    ),
    "file_appeal": Example(
        parameters=_KEYED,
        bodies={_JSON: {"about": "refusal", "subject": _CONTENT_ID, "statement": "The image shows nobody I know."}},
        responses={201: {"id": _APPEAL, "about": "refusal", "status": "filed", "filed_at": _TIME}},
    ),
    "get_appeal": Example(
        parameters={"number": _APPEAL},
        responses={
            200: {
                "id": _APPEAL,
                "about": "refusal",
                "status": "overturned",
                "filed_at": _TIME,
                "resolved_at": _LATER,
                "reason": "The image shows somebody else.",
            }
        },
    ),
    "query_by_binding": Example(
        parameters={"value": "P5oMXX4h", "alg": "org.countermark.tile.2", "maxResults": 10}, responses={200: _MATCHES}
    ),
    "query_by_large_binding": Example(
        parameters={"maxResults": 10},
        bodies={"application/json": {"alg": "org.countermark.tile.2", "value": "P5oMXX4h"}},
        responses={200: _MATCHES},
    ),
    "query_by_content": Example(
        parameters={
            "alg": "org.countermark.tile.2",
            "maxResults": 10,
            "hintAlg": "org.countermark.tile.2",
            "hintValue": "P5oMXX4h",
        },
        responses={200: {"matches": [{"manifestId": _MANIFEST, "similarityScore": 100}]}},
    ),
    "get_manifest_by_id": Example(parameters={"manifestId": _MANIFEST, "returnActiveManifest": False}, responses={}),
    "get_supported_bindings": Example(
        responses={
            200: {
                "watermarks": [{"alg": "org.countermark.tile.2"}],
                "fingerprints": [{"alg": "org.countermark.pdq.1"}],
            }
        }
    ),
    "get_consent_receipt": Example(
        parameters={"grant": _GRANT},
        responses={
            200: {"id": _GRANT, "state": "live", "digest": _SHA256, "expires_at": _LATER, "revoked_at": None},
        },
    ),
    "list_grants": Example(responses={200: [_GRANTED]}),
    "list_signing_keys": Example(
        responses={
            200: {
                "keys": [
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                        "alg": "EdDSA",
                        "use": "sig",
                    }
                ]
            }
        }
    ),
    "get_subject": Example(parameters=_OF_SUBJECT, responses={200: {"grants": [_GRANTED], "uses": [_USE]}}),
    "renew_pin": Example(parameters=_OF_SUBJECT, responses={200: {"subject": _SUBJECT, "pin": "7Q2M-0KXA-9F3C"}}),
    "revoke_grant": Example(
        parameters={**_OF_SUBJECT, "grant": _GRANT},
        responses={200: {**_GRANTED, "state": "revoked", "revoked_at": _TIME}},
    ),
    "withdraw_image": Example(
        parameters={**_OF_SUBJECT, "content_id": _CONTENT_ID},
        responses={200: {"grants": [_GRANTED], "uses": [{**_USE, "withdrawn_at": _TIME}]}},
    ),
    "start_enrolment": Example(
        parameters=_KEYED,
        responses={201: {"id": _CHALLENGE, "poses": ["front", "left", "right", "front"], "expires_at": _TIME}},
    ),
    "complete_enrolment": Example(
        parameters={"challenge": _CHALLENGE, **_KEYED},
        bodies={_FORM: {"name": "Ann Example", "file": [_FILE, _FILE, _FILE, _FILE]}},
        responses={201: {"subject": _SUBJECT, "pin": _SUBJECT_PIN, "templates": 4, "protected": True}},
    ),
    "get_checkpoint": Example(responses={200: _CHECKPOINT}),
    "get_log_key": Example(responses={200: f"{_LOG_KEY}\n"}),
    "prove_decision": Example(
        parameters={"decision": _DECISION},
        responses={
            200: {
                "decision": _DECISION,
                "index": 1,
                "leaf_hash": "57eb35615d47f34ec714cacdf5fd74608a5e8e102724e80b24b287c0c27b6a31",
                "proof": _PROOF,
            }
        },
    ),
    "prove_consistency": Example(
        parameters={"from": 2, "to": 3},
        responses={200: {"from": 2, "to": 3, "hashes": ["WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg="]}},
    ),
    "check_liveness": Example(responses={200: {"status": "ok", "version": "0.1.0"}}),
    "check_readiness": Example(
        responses={
            200: {
                "status": "ready",
                "decisions": 1203,
                "unrecorded_refusals": 0,
                "generation": "ready",
                "checkpoints": "off",
                "parsing": "full",
                "signing_expires_at": "2027-03-01T00:00:00+00:00",
                "warnings": [],
            }
        }
    ),
}
"""By operation id."""
