"""A report for anybody: what it says of systems, without what leads to a person.

California's SB 942 wants a public detector that gives out system provenance and no personal provenance. Unsigned
metadata is reduced to systems where it is read; a credential says more, because it is about who vouches for a file.
"""

import base64
from collections.abc import Mapping
from typing import Any

from service.examiner.lanes.claimed.section import (
    Claimed,
    ClaimedAction,
    ClaimedIngredient,
    ClaimedManifest,
    Recovered,
)
from service.examiner.report import Report
from watermark.c2pa import jumbf
from watermark.c2pa.manifest import DISCLOSURE_LABEL, ENERGY_LABEL
from watermark.c2pa.status import SignerStatus

_SYSTEM_FIELDS: Mapping[str, frozenset[str]] = {
    DISCLOSURE_LABEL: frozenset({"provider", "system", "system_version", "created_at", "content_id"}),
    ENERGY_LABEL: frozenset({"watt_hours", "seconds", "method"}),
    "c2pa.ai-disclosure": frozenset({"modelType", "modelName", "modelIdentifier"}),
}
"""Fields of disclosures that are about a system. Others may be anything: everybody can write an assertion."""


def system_only(report: Report) -> Report:
    """The report without names of signers whom nobody vouches for, identities, titles, free texts, addresses, and the
    credentials of what an image was made from. Verdict, reasons and everything that is measured stay.
    """
    return report.model_copy(update={"claimed": _system(report.claimed)})


def _system(claimed: Claimed) -> Claimed:
    vouched_for = claimed.signer_status is SignerStatus.TRUSTED
    trusted = _trusted(claimed)
    return claimed.model_copy(
        update={
            "signer": claimed.signer if vouched_for else None,
            "issuer": claimed.issuer if vouched_for else None,
            "actions": _actions(claimed.actions),
            "ingredients": _ingredients(claimed.ingredients),
            "manifests": [_manifest(each, each.manifest_id in trusted) for each in claimed.manifests],
            "identities": [],
            "redactions": [each.model_copy(update={"reason": None}) for each in claimed.redactions],
            "remote_url": None,
            "disclosures": {label: _fields(label, data) for label, data in claimed.disclosures.items()},
            "remarks": [each.model_copy(update={"explanation": None}) for each in claimed.remarks],
            "recovered": claimed.recovered and _recovered(claimed.recovered),
        }
    )


def _trusted(claimed: Claimed) -> set[str]:
    """Manifests below the active one whose signers somebody vouches for: what refers to a manifest says so."""
    every = [*claimed.ingredients, *(each for manifest in claimed.manifests for each in manifest.ingredients)]
    return {each.manifest_id for each in every if each.manifest_id and each.signer_status is SignerStatus.TRUSTED}


def _manifest(manifest: ClaimedManifest, vouched_for: bool) -> ClaimedManifest:
    return manifest.model_copy(
        update={
            "title": None,
            "signer": manifest.signer if vouched_for else None,
            "issuer": manifest.issuer if vouched_for else None,
            "actions": _actions(manifest.actions),
            "ingredients": _ingredients(manifest.ingredients),
        }
    )


def _actions(actions: list[ClaimedAction]) -> list[ClaimedAction]:
    return [each.model_copy(update={"description": None}) for each in actions]


def _ingredients(ingredients: list[ClaimedIngredient]) -> list[ClaimedIngredient]:
    """Without titles, which are mostly names of files, and thumbnails."""
    return [each.model_copy(update={"title": None, "thumbnail": None}) for each in ingredients]


def _fields(label: str, data: Any) -> dict[str, Any]:
    known = _SYSTEM_FIELDS.get(label, frozenset())
    plain = data.items() if isinstance(data, dict) else ()
    return {name: value for name, value in plain if name in known and isinstance(value, (str, int, float))}


def _recovered(recovered: Recovered) -> Recovered:
    """With the manifest that was issued here alone: those of an input image are its owner's."""
    try:
        own = jumbf.only_active(base64.b64decode(recovered.manifest_base64))
    except ValueError:  # a ledger that was altered
        own = b""
    return recovered.model_copy(update={"manifest_base64": base64.b64encode(own).decode()})
