"""The rules of the C2PA asset rubric (conformance program 0.2, specification 2.4) that concern a generator's own files.

Read from the CBOR of the active manifest itself, not from a reader's JSON, and from the bare SDK's validation. Names of
rules are the rubric's.
"""

import functools
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import cbor2
import pytest
from c2pa import Context, Reader

from service.gateway.pipeline import Gateway
from service.gateway.stages import Released
from watermark.c2pa import jumbf

SPEC = "2.4"
INCEPTION = {"c2pa.created", "c2pa.opened"}
NON_EDITORIAL = {
    "c2pa.converted",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.resized.proportional",
    "c2pa.enhanced",
    "c2pa.edited.metadata",
    "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
    "c2pa.redacted",
}
DST_EXEMPT = {"c2pa.placed"}
ALLOWED_ACTIONS = (
    INCEPTION
    | NON_EDITORIAL
    | DST_EXEMPT
    | {
        "c2pa.addedText",
        "c2pa.edited",
        "c2pa.cropped",
        "c2pa.resized",
        "c2pa.filtered",
        "c2pa.orientation",
        "c2pa.removed",
    }
)
ALLOWED_ASSERTIONS = {
    "c2pa.hash.data",
    "c2pa.hash.bmff.v3",
    "c2pa.actions.v2",
    "c2pa.ingredient.v3",
    "c2pa.soft-binding",
    "c2pa.ai-disclosure",
    "c2pa.thumbnail.claim",
    "c2pa.metadata",
    "c2pa.time-stamp",
}
PARAMETERS = {"redacted", "ingredients", "relatedAssertions"}
RELATIONSHIPS = {"parentOf", "inputTo", "componentOf"}

Content = dict[str, Any]


class Manifest:
    """The active manifest of a store, as it is written."""

    def __init__(self, store: bytes) -> None:
        active = jumbf.active_manifest(store)
        self.label = active.label
        self.claim = self._cbor(store, jumbf.child(store, active, "c2pa.claim.v2"))
        boxes = jumbf.child(store, active, "c2pa.assertions")
        self.assertions: dict[str, Content] = {
            box.label: self._cbor(store, box)
            for box in jumbf.boxes(store, boxes.body, boxes.end)
            if box.label and not box.label.startswith("c2pa.thumbnail")
        }

    @staticmethod
    def _cbor(store: bytes, box: jumbf.Box) -> Content:
        inner = jumbf.content(store, box)
        content: Content = cbor2.loads(store[inner.body : inner.end])
        return content

    @property
    def actions(self) -> list[Content]:
        return list(self.assertions["c2pa.actions.v2"]["actions"])

    @property
    def ingredients(self) -> list[Content]:
        return [one for label, one in self.assertions.items() if label.startswith("c2pa.ingredient")]


def _base(label: str) -> str:
    return label.split("__", maxsplit=1)[0]


def _opened(manifest: Manifest) -> list[Content]:
    return [action for action in manifest.actions if action["action"] == "c2pa.opened"]


RULES: Mapping[str, Callable[[Manifest], bool]] = {
    "inception_action_position": lambda m: (
        next(a["url"] for a in m.claim["created_assertions"] if "c2pa.actions" in a["url"]).endswith("c2pa.actions.v2")
        and m.actions[0]["action"] in INCEPTION
        and not any(action["action"] in INCEPTION for action in m.actions[1:])
    ),
    "mandatory_dst_for_created_action": lambda m: all(
        a.get("digitalSourceType") for a in m.actions if a["action"] == "c2pa.created"
    ),
    "active_manifest_urn": lambda m: m.label.startswith("urn:c2pa:"),
    "no_unsupported_assertions": lambda m: all(
        _base(label) in ALLOWED_ASSERTIONS for label in m.assertions if label.startswith(("c2pa.", "stds."))
    ),
    "no_unrecognized_custom_assertions": lambda m: all("." in label for label in m.assertions),
    "no_unsupported_actions": lambda m: all(a["action"] in ALLOWED_ACTIONS for a in m.actions),
    "no_unrecognized_custom_action_parameters": lambda m: all(
        name in PARAMETERS or "." in name for a in m.actions for name in a.get("parameters", {})
    ),
    "ingredient_relationship_values": lambda m: all(i["relationship"] in RELATIONSHIPS for i in m.ingredients),
    "ingredient_v3_no_active_manifest": lambda m: all(
        "validationResults" not in i for i in m.ingredients if "activeManifest" not in i
    ),
    "ingredient_v3_mandatory_validation_results": lambda m: all(
        "validationResults" in i for i in m.ingredients if "activeManifest" in i
    ),
    "ingredient_v3_choice": lambda m: all(
        "activeManifest" not in i or "digitalSourceType" not in i for i in m.ingredients
    ),
    "no_deprecated_claim_fields": lambda m: "specVersion" not in m.claim,
    "no_url_in_hashes": lambda m: all("url" not in one for label, one in m.assertions.items() if ".hash." in label),
    "opened_action_ingredient_reference": lambda m: all(
        len(a.get("parameters", {}).get("ingredients", [])) == 1 for a in _opened(m)
    ),
    "no_box_hash_for_tiff": lambda m: "c2pa.hash.boxes" not in m.assertions,
    "mandatory_dst_for_perceptible_transformations": lambda m: all(
        a.get("digitalSourceType")
        for a in m.actions
        if a["action"] not in INCEPTION | NON_EDITORIAL | DST_EXEMPT and a["action"].startswith("c2pa.")
    ),
    "mandatory_all_actions_included": lambda m: m.assertions["c2pa.actions.v2"].get("allActionsIncluded") is True,
    "mandatory_spec_version": lambda m: (
        m.claim["claim_generator_info"]["specVersion"].split(".")[:2] == SPEC.split(".")
    ),
    "no_dst_for_opened_action": lambda m: not any("digitalSourceType" in a for a in _opened(m)),
}
"""Rules that the active manifest alone decides."""

SCHEMA: Mapping[str, Callable[[Manifest], bool]] = {
    "soft_binding_cddl": lambda m: (
        all(isinstance(block["value"], bytes) for block in m.assertions["c2pa.soft-binding"]["blocks"])
        and isinstance(m.assertions["c2pa.soft-binding"]["pad"], bytes)
    ),
    "soft_binding_of_the_watermark": lambda m: "c2pa.watermarked.bound" in [a["action"] for a in m.actions],
    "created_assertions": lambda m: (
        {_base(a["url"].rsplit("/", 1)[-1]) for a in m.claim["created_assertions"]}
        >= {"c2pa.actions.v2", "c2pa.soft-binding", "c2pa.ai-disclosure"}
    ),
}
"""What the specification's schemas want beyond the rubric."""


def broken(data: bytes, mime: str, store: bytes) -> list[str]:
    """The rules that a file breaks, by name."""
    return broken_by_manifest(store) + [f"valid_success: {code}" for code in _failures(data, mime)]


def broken_by_manifest(store: bytes) -> list[str]:
    """The rules that the active manifest alone breaks, by name."""
    manifest = Manifest(store)
    return [name for name, holds in {**RULES, **SCHEMA}.items() if not holds(manifest)]


def check_released(patch: pytest.MonkeyPatch) -> None:
    """From now on, every file that a gateway of this process releases must keep to the rules of its manifest."""

    def checked(release: Callable[..., Released]) -> Callable[..., Released]:
        @functools.wraps(release)
        def releasing(*args: Any, **options: Any) -> Released:
            released = release(*args, **options)
            assert broken_by_manifest(released.proven.signed.manifest) == []
            return released

        return releasing

    for name in ("release", "hand_over"):
        patch.setattr(Gateway, name, checked(getattr(Gateway, name)))


def _failures(data: bytes, mime: str) -> list[str]:
    """What the bare SDK fails, but that it knows no signer (rules well_formed_success and valid_success)."""
    context = Context.from_dict({"version": 1, "verify": {"remote_manifest_fetch": False}})
    with Reader(mime, io.BytesIO(data), context=context) as reader:
        told = json.loads(reader.json())["validation_results"]["activeManifest"]
    return [one["code"] for one in told.get("failure", []) if one["code"] != "signingCredential.untrusted"]
