"""The OpenAPI document: what clients and generators rely on, and that nobody changes it by accident."""

import re
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator

from service.api import create_app
from service.api.failures import EVERY_REQUEST, NEVER_ANSWERED
from service.api.forms import BINARY
from service.api.openapi import failures, operations
from service.api.problems import MEDIA_TYPE
from service.api.rate_limits import is_limited
from service.installation import Installation, open_installation
from service.kit.errors import Blocked, Busy, Error, TooMany, Unavailable, Unsafe, tree
from service.kit.settings import Settings
from tests.support.openapi import Contract, Json

OPERATIONS = {
    "generate_images": "POST /v1/images/generations",
    "edit_images": "POST /v1/images/edits",
    "vary_images": "POST /v1/images/variations",
    "list_models": "GET /v1/models",
    "get_model": "GET /v1/models/{model}",
    "moderate_content": "POST /v1/moderations",
    "fetch_held_image": "GET /v1/images/held/{content_id}",
    "inspect_image": "POST /v1/inspect",
    "detect_images": "POST /v1/detect",
    "inspect_images": "POST /v1/inspections",
    "list_jobs": "GET /v1/jobs",
    "get_job": "GET /v1/jobs/{job}",
    "cancel_job": "POST /v1/jobs/{job}/cancel",
    "delete_job": "DELETE /v1/jobs/{job}",
    "get_job_result": "GET /v1/jobs/{job}/result",
    "follow_job": "GET /v1/jobs/{job}/events",
    "give_feedback": "POST /v1/feedback",
    "query_by_binding": "GET /v1/matches/byBinding",
    "query_by_large_binding": "POST /v1/matches/byBinding",
    "query_by_content": "POST /v1/matches/byContent",
    "get_manifest_by_id": "GET /v1/manifests/{manifestId}",
    "get_supported_bindings": "GET /v1/services/supportedAlgorithms",
    "file_takedown": "POST /v1/takedowns",
    "get_takedown": "GET /v1/takedowns/{case}",
    "file_appeal": "POST /v1/appeals",
    "get_appeal": "GET /v1/appeals/{number}",
    "get_consent_receipt": "GET /v1/consent/receipts/{grant}",
    "list_grants": "GET /v1/consent/grants",
    "list_signing_keys": "GET /v1/consent/keys",
    "get_subject": "GET /v1/consent/subjects/{subject}",
    "renew_pin": "POST /v1/consent/subjects/{subject}/pin",
    "revoke_grant": "POST /v1/consent/subjects/{subject}/grants/{grant}/revoke",
    "withdraw_image": "POST /v1/consent/subjects/{subject}/images/{content_id}/withdraw",
    "start_enrolment": "POST /v1/consent/enrolments",
    "complete_enrolment": "POST /v1/consent/enrolments/{challenge}",
    "get_checkpoint": "GET /v1/audit/checkpoint",
    "get_log_key": "GET /v1/audit/key",
    "prove_decision": "GET /v1/audit/proof/{decision}",
    "prove_consistency": "GET /v1/audit/consistency",
    "check_liveness": "GET /healthz",
    "check_readiness": "GET /readyz",
}
"""Generated clients name their methods after these: renaming one breaks them."""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    installation = open_installation(Settings(home=tmp_path_factory.mktemp("home"), threads=1))
    found = Contract(create_app(installation))
    installation.close()
    return found


def test_it_is_valid_openapi(contract: Contract) -> None:
    assert contract.document["openapi"].startswith("3.1")
    assert OpenAPI.model_validate(contract.document).paths


def test_operation_ids_are_stable(contract: Contract) -> None:
    assert {each.id: f"{each.method.upper()} {each.path}" for each in contract.operations} == OPERATIONS
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in OPERATIONS)


def test_it_is_the_same_for_every_installation(contract: Contract, settings: Settings) -> None:
    changes = {"max_images": 2, "requests_per_minute": 0, "self_enrolment": True, "examiner_needs_key": True}
    other = open_installation(settings.model_copy(update=changes))
    assert Contract(create_app(other)).document == contract.document
    other.close()


def test_asking_again_changes_nothing(installation: Installation) -> None:
    app = create_app(installation)
    assert app.openapi() is app.openapi()


def test_every_operation_has_a_summary_and_no_description_is_empty(contract: Contract) -> None:
    for each in contract.operations:
        assert re.fullmatch(r"[A-Z][^.]+", each.content["summary"]), each.id
        assert all(response["description"] for response in each.content["responses"].values()), each.id


# Errors.


def test_errors_have_the_media_type_that_is_sent(contract: Contract) -> None:
    for each in contract.operations:
        for status, response in each.content["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {MEDIA_TYPE}
                assert response["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_an_error_of_the_tree_is_on_some_operation_or_it_is_said_why_not(contract: Contract) -> None:
    documented = {code for each in contract.operations for code in codes(each.content)}
    for error in dict.fromkeys(tree()):
        assert (error.code in documented) != (error in NEVER_ANSWERED), error.__name__


def test_every_operation_documents_what_any_request_can_meet(contract: Contract) -> None:
    for each in contract.operations:
        assert {error.code for error in EVERY_REQUEST} <= codes(each.content), each.id
        assert ("unauthorized" in codes(each.content)) == ("security" in each.content), each.id
        assert ("too_many_requests" in codes(each.content)) == is_limited(each.path), each.id
        assert ("rate_limited" in codes(each.content)) == ("security" in each.content), each.id
        assert "{" not in each.path or "not_found" in codes(each.content), each.id
        assert "requestBody" not in each.content or "bad_request" in codes(each.content), each.id


def test_what_was_missing_once(contract: Contract) -> None:
    for name in ("generate_images", "edit_images", "fetch_held_image"):
        assert {"likeness_held", "client_removed", "misconfigured", "adapter_refused"} <= codes(contract[name].content)
    assert "pin" not in str(contract["generate_images"].content)


def test_fastapis_own_validation_error_is_nowhere(contract: Contract) -> None:
    assert "ValidationError" not in str(contract.document)


def test_errors_that_pass_document_retry_after(contract: Contract) -> None:
    responses = contract["generate_images"].content["responses"]
    assert "Retry-After" in responses["429"]["headers"]
    assert "Retry-After" in responses["503"]["headers"]
    assert "WWW-Authenticate" in responses["401"]["headers"]
    assert "headers" not in responses["400"]


def test_failures_of_one_status_share_a_response() -> None:
    found = failures(Busy, TooMany, Blocked, Unsafe, Unavailable)
    assert set(found) == {"429", "451", "400", "503"}
    assert found["429"]["description"] == "`busy`, `too_many_requests`"
    assert set(found["429"]["content"][MEDIA_TYPE]["examples"]) == {"busy", "too_many_requests"}
    assert failures() == {}


def codes(operation: Json) -> set[str]:
    contents = [response.get("content", {}) for response in operation["responses"].values()]
    return {code for content in contents for code in content.get(MEDIA_TYPE, {}).get("examples", {})}


# Examples.


def test_every_request_and_response_has_an_example_that_validates(contract: Contract) -> None:
    for each in contract.operations:
        for parameter in each.content.get("parameters", []):
            assert each.invalid(parameter["schema"], parameter["example"]) == [], (each.id, parameter["name"])
        bodies = each.content.get("requestBody", {}).get("content", {})
        for media_type, content in bodies.items():
            if content["schema"] != BINARY:  # the bytes of a file
                assert each.invalid(content["schema"], content["example"]) == [], (each.id, media_type)
        for status, response in each.content["responses"].items():
            assert ("content" in response) == (status != "204"), (each.id, status)
            for content in response.get("content", {}).values():
                if content["schema"] == BINARY:
                    continue
                check_example(each, content, f"{each.id} {status}")


def check_example(operation: Any, content: Json, where: str) -> None:
    values = [each["value"] for each in content["examples"].values()] if "examples" in content else [content["example"]]
    assert values, where
    for value in values:
        assert operation.invalid(content["schema"], value) == [], where


# Schemas.


def test_schemas_are_valid_and_all_used(contract: Contract) -> None:
    text = str(contract.document)
    for name, schema in contract.document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f"'#/components/schemas/{name}'" in text, name
    assert "$defs" not in text


def test_no_schema_has_the_name_that_a_generator_gives_to_a_property(contract: Contract) -> None:
    """A generator that names the type of `Receipt.status` `ReceiptStatus` must not meet another schema of that name."""
    schemas = contract.document["components"]["schemas"]
    names = {
        name + "".join(part.title() for part in prop.split("_"))
        for name, schema in schemas.items()
        for prop, content in schema.get("properties", {}).items()
        if "$ref" not in content
    }
    assert names & set(schemas) == set()


def test_schemas_have_one_name_each(contract: Contract) -> None:
    """FastAPI puts a module's path in front of the names of two models that are called the same."""
    names = list(contract.document["components"]["schemas"])
    assert [name for name in names if "__" in name or name.endswith(("-Input", "-Output"))] == []
    assert len({name.lower() for name in names}) == len(names)


def test_every_path_parameter_is_described(contract: Contract) -> None:
    for method, path, operation in operations(contract.document):
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_the_root_of_the_tree_is_a_bug(contract: Contract) -> None:
    assert "internal" in contract["check_liveness"].codes(500)
    assert Error.code == "internal"
