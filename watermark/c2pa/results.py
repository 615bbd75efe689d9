"""The SDK's answer about a manifest store, sorted: its manifests, and which results of validation belong to which.

Which belong to an ingredient: what its editor recorded when it was opened, and what validating it now adds
(`ingredientDeltas`, by `ingredientAssertionURI`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from watermark.c2pa.json_values import dict_of, dicts_of, text_of
from watermark.c2pa.status import Axis, SignerStatus, status

TRUSTED, _UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
_SUCCESS = (
    ".match",
    ".validated",
    ".trusted",
    ".insideValidity",
    ".accessible",
    ".notRevoked",
    ".wellFormed",
    ".valid",
)


@dataclass(frozen=True, slots=True)
class Results:
    """Codes of one manifest or ingredient. Failures keep their explanations and the URL that they are about."""

    success: tuple[dict[str, Any], ...] = ()
    informational: tuple[dict[str, Any], ...] = ()
    failure: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, found: object) -> "Results":
        """From a `validation_results` object; entries without a code are dropped."""
        lists = found if isinstance(found, dict) else {}
        return cls(*(tuple(_entries(lists.get(kind))) for kind in ("success", "informational", "failure")))

    def overlaid(self, later: "Results") -> "Results":
        """These results as `later` ones correct them: a signer that was unknown then may be trusted now."""
        trusted = TRUSTED in later.codes("success")
        kept = tuple(entry for entry in self.failure if not (trusted and entry["code"] == _UNTRUSTED))
        failed = {entry["code"] for entry in later.failure}
        success = tuple(entry for entry in self.success if not (entry["code"] == TRUSTED and _UNTRUSTED in failed))
        return Results((*success, *later.success), (*self.informational, *later.informational), (*kept, *later.failure))

    def codes(self, kind: str) -> set[str]:
        return {entry["code"] for entry in getattr(self, kind)}

    def signer_status(self, *, trusted: bool, stamped: bool) -> SignerStatus:
        """`trusted`: a list vouches for the signer; `stamped`: a trusted time-stamp says when it was signed."""
        values = {status(code).value for code in self.codes("failure") if status(code).axis is Axis.SIGNER}
        if SignerStatus.EXPIRED in values and stamped:
            values = (values - {SignerStatus.EXPIRED}) | {SignerStatus.EXPIRED_AT_SIGNING}
        worse = (
            SignerStatus.REVOKED, SignerStatus.UNFIT, SignerStatus.EXPIRED_AT_SIGNING, SignerStatus.EXPIRED
        )  # fmt: skip
        found = next((value for value in worse if value in values), None)
        return found or (SignerStatus.TRUSTED if trusted else SignerStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Store:
    """The SDK's answer: all manifests by label, results of the active one, and of ingredients by place."""

    manifests: Mapping[str, dict[str, Any]]
    active_id: str | None
    results: Results
    ingredients: Mapping[tuple[str, str], Results]
    trust_list_uri: str | None
    malformed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Store":
        """From the JSON of the SDK's reader."""
        manifests = {str(label): dict_of(body) for label, body in dict_of(answer.get("manifests")).items()}
        results = dict_of(answer.get("validation_results"))
        places: dict[tuple[str, str], Results] = {}
        for label, body in manifests.items():
            for ingredient in dicts_of(body.get("ingredients")):
                recorded = dict_of(ingredient.get("validation_results"))
                _note(places, (label, str(ingredient.get("label"))), Results.of(recorded.get("activeManifest")))
                _note(places, (label, str(ingredient.get("label"))), _version_1(ingredient.get("validation_status")))
                _deltas(places, recorded)
        _deltas(places, results)  # what was found now corrects what was recorded
        active = Results.of(results.get("activeManifest"))
        return cls(
            manifests, text_of(answer.get("active_manifest")), active, places, text_of(results.get("trustListUri"))
        )


def _deltas(places: dict[tuple[str, str], Results], results: Mapping[str, Any]) -> None:
    for delta in dicts_of(results.get("ingredientDeltas")):
        where = assertion_of(str(delta.get("ingredientAssertionURI")))
        if where:
            _note(places, where, Results.of(delta.get("validationDeltas")))


def _note(places: dict[tuple[str, str], Results], where: tuple[str, str], found: Results) -> None:
    places[where] = places.get(where, Results()).overlaid(found)


def _version_1(entries: object) -> Results:
    """Results as version 1 ingredients record them: one list of failures, in which successes may stand, too."""
    return Results(failure=tuple(entry for entry in _entries(entries) if not entry["code"].endswith(_SUCCESS)))


def assertion_of(uri: str) -> tuple[str, str] | None:
    """The manifest and the label that an assertion's URI names."""
    parts = uri.rpartition("=")[2].strip("/").split("/")
    return (parts[-3], parts[-1]) if len(parts) >= 3 else None


def manifest_of(uri: str | None) -> str | None:
    """The manifest that a URI is in: `self#jumbf=/c2pa/MANIFEST/...`."""
    parts = (uri or "").rpartition("=")[2].strip("/").split("/")
    return parts[1] if len(parts) >= 2 and parts[0] == "c2pa" else None


def _entries(found: object) -> Iterator[dict[str, Any]]:
    return (entry for entry in dicts_of(found) if isinstance(entry.get("code"), str))
