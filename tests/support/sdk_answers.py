"""What the C2PA SDK says about a manifest store, in its JSON, and the credential that is made of it."""

from typing import Any

from watermark.c2pa.credential import Credential
from watermark.c2pa.reading import credential

OLD, NOW = "urn:c2pa:old", "urn:c2pa:now"
LISTS = {"urn:list": "lab"}
VALIDATED = {"code": "claimSignature.validated"}
MATCH = {"code": "assertion.dataHash.match"}
TRUSTED = {"code": "signingCredential.trusted", "explanation": "found in [urn:list] trust anchors"}


def code(name: str, **more: str) -> dict[str, str]:
    return {"code": name, **more}


def store(
    *,
    success: tuple[dict[str, str], ...] = (VALIDATED, MATCH, TRUSTED),
    failure: tuple[dict[str, str], ...] = (),
    informational: tuple[dict[str, str], ...] = (),
    ingredients: tuple[dict[str, Any], ...] = (),
    deltas: tuple[dict[str, Any], ...] = (),
    **active: Any,
) -> dict[str, Any]:
    """What the SDK returns, in its form."""
    found = {"success": list(success), "failure": list(failure), "informational": list(informational)}
    return {
        "active_manifest": NOW,
        "manifests": {OLD: {"assertions": []}, NOW: {"claim_version": 2, "ingredients": list(ingredients), **active}},
        "validation_results": {
            "activeManifest": found, "ingredientDeltas": list(deltas), "trustListUri": "urn:list",
        },
        "validation_state": "Invalid",
    }  # fmt: skip


def parent(label: str = "c2pa.ingredient.v3", failure: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    recorded = {"activeManifest": {"failure": [code(each) for each in failure]}}
    return {"label": label, "relationship": "parentOf", "active_manifest": OLD, "validation_results": recorded, **more}


def delta(label: str, *, success: tuple[str, ...] = (), failure: tuple[str, ...] = ()) -> dict[str, Any]:
    found = {"success": [code(each) for each in success], "failure": [code(each) for each in failure]}
    uri = f"self#jumbf=/c2pa/{NOW}/c2pa.assertions/{label}"
    return {"ingredientAssertionURI": uri, "validationDeltas": found}


def read(answer: dict[str, Any], **more: Any) -> Credential:
    return credential(answer, LISTS, **more)
