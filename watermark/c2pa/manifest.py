"""The C2PA manifest of a generated image, as JSON for c2pa-python's Builder.

C2PA 2.4: actions (section 18.15), soft binding (18.10), digitalSourceType from the IPTC vocabulary. The disclosure
assertion contains what California SB 942 requires of a latent disclosure: provider, system name and version, time,
unique identifier. It contains neither the prompt nor the user.
"""

import base64
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"
COMPOSITE = DIGITAL_SOURCE_TYPE + "compositeWithTrainedAlgorithmicMedia"
ENHANCED = DIGITAL_SOURCE_TYPE + "algorithmicallyEnhanced"
SOFT_BINDING_LABEL = "c2pa.soft-binding"
DISCLOSURE_LABEL = "org.countermark.disclosure"
CONSENT_LABEL = "org.countermark.consent"
SOURCES_LABEL = "org.countermark.sources"
ENERGY_LABEL = "org.countermark.energy"
EDIT_LABEL = "org.countermark.edit"
ADAPTERS_LABEL = "org.countermark.adapters"
SPEC_VERSION = "2.4.0"
"""The version of the C2PA specification that manifests keep to, and say so."""

ADDED_TEXT = "c2pa.addedText"
MARK_BYTES = 6
_INGREDIENTS = {
    "image": ("edited image", "parentOf"),
    "mask": ("edit mask", "inputTo"),
    "reference": ("reference image", "inputTo"),
}


@dataclass(frozen=True, slots=True)
class InputSource:
    """A file the image was made from, by its SHA-256 (hex): the edited image, the mask, or a reference image.

    Nothing of the file is copied but its own manifests, without what nobody has checked; see `ingredients`. `size`: its
    (width, height) in pixels as it is shown, where that matters.
    """

    role: Literal["image", "mask", "reference"]
    mime: str
    sha256: str
    size: tuple[int, int] | None = None

    def ingredient(self, label: str) -> dict[str, str]:
        """Its C2PA ingredient (section 18.10): the edited image is the parent, the others are inputs."""
        title, relationship = _INGREDIENTS[self.role]
        return {"title": title, "format": self.mime, "relationship": relationship, "label": label}


@dataclass(frozen=True, slots=True)
class Resized:
    """How the image was upscaled after being generated at (width, height) `drawn`: method and version."""

    method: str
    version: str
    drawn: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """Our statement about one image: who generated it with what, when, its unique id, and the mark in its pixels.

    `consents`: SHA-256 (hex) of the consent receipts for the likenesses it shows. `sources`: the input files.
    `adapters`: SHA-256 (hex) and scale of each adapter. `energy`: the energy used to generate it. `label`: the text
    drawn into it for people to read. `edit`: what it changed of the edited image: `pixels`, those `generated`, those
    `changed` by more than `threshold` of 255, and `psnr` (dB). `canvas`: (width, height) to which the edited image was
    cropped at its centre and resized before.
    """

    content_id: str
    created_at: dt.datetime
    provider: str
    system: str
    system_version: str
    model: str
    model_version: str
    model_digest: str
    mark_algorithm: str
    mark_id: int
    consents: tuple[str, ...] = ()
    sources: tuple[InputSource, ...] = ()
    resized: Resized | None = None
    energy: Mapping[str, float | str | None] | None = None
    adapters: tuple[tuple[str, float], ...] = ()
    label: str = ""
    edit: Mapping[str, float | None] | None = None
    canvas: tuple[int, int] | None = None

    def labelled_sources(self) -> list[tuple[str, InputSource]]:
        """The sources by labels used only within the manifest; the edited image comes first."""
        return [(f"{source.role}{number}", source) for number, source in enumerate(self.sources)]


def soft_binding_value(mark_id: int) -> str:
    """A 48-bit mark id as base64 of its six bytes, as readers and the Soft Binding Resolution API show it."""
    return base64.b64encode(mark_bytes(mark_id)).decode()


def mark_bytes(mark_id: int) -> bytes:
    """A 48-bit mark id as six big-endian bytes, as its soft binding holds it. Raises OverflowError for a larger one."""
    return mark_id.to_bytes(MARK_BYTES, "big")


def mark_id_of(value: str) -> int | None:
    """The mark id in a soft binding's value, or None if it is not one of ours."""
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw, "big") if len(raw) == MARK_BYTES else None


def build(statement: Statement, mime: str, kept: Collection[str] = (), redacted: Sequence[str] = ()) -> dict[str, Any]:
    """The manifest definition for a file of type `mime`.

    `kept`: labels of the sources that are added with their own manifests; `redacted`: URIs of what is redacted in them.
    """
    return {
        "claim_generator_info": [
            {"name": statement.system, "version": statement.system_version, "specVersion": SPEC_VERSION}
        ],
        "format": mime,
        "title": statement.content_id,
        "ingredients": [
            source.ingredient(label) for label, source in statement.labelled_sources() if label not in kept
        ],
        **({"redactions": list(redacted)} if redacted else {}),
        "assertions": [
            _actions(statement, redacted),
            _soft_binding(statement),
            _disclosure(statement),
            _ai(statement),
            *([_consent(statement)] if statement.consents else []),
            *([_sources(statement)] if statement.sources else []),
            *([{"label": ENERGY_LABEL, "created": True, "data": dict(statement.energy)}] if statement.energy else []),
            *([_adapters(statement)] if statement.adapters else []),
            *([{"label": EDIT_LABEL, "created": True, "data": _known(statement.edit)}] if statement.edit else []),
        ],
    }


def _actions(statement: Statement, redacted: Sequence[str]) -> dict[str, Any]:
    when = _utc(statement.created_at)
    watermarked = {
        "action": "c2pa.watermarked.bound",
        "when": when,
        "softwareAgent": {"name": statement.system, "version": statement.system_version},
    }
    resized = [_resized(statement.resized, when)] if statement.resized else []
    labelled = [_labelled_visibly(statement, when)] if statement.label else []
    made = [*_making(statement, when), *resized, *labelled, watermarked]
    data = {"actions": [*made, *(_redacted(uri, when) for uri in redacted)], "allActionsIncluded": True}
    return {"label": "c2pa.actions.v2", "created": True, "data": data}


def _making(statement: Statement, when: str) -> list[dict[str, Any]]:
    """Either created (perhaps with reference images), or an image opened and edited by the model."""
    agent = {"name": statement.model, "version": statement.model_version}
    inputs = [label for label, source in statement.labelled_sources() if source.role != "image"]
    made: dict[str, Any] = {"softwareAgent": agent, "when": when}
    if inputs:
        made["parameters"] = {"ingredientIds": inputs}
    if all(source.role != "image" for source in statement.sources):
        return [{**made, "action": "c2pa.created", "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA}]
    opened = {"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": ["image0"]}}
    edited = {**made, "action": "c2pa.edited", "digitalSourceType": COMPOSITE}
    if statement.edit:
        edited["description"] = "{generated:,} of {pixels:,} px generated.".format(**statement.edit)
    return [opened, *_fitting(statement, when), edited]


def _fitting(statement: Statement, when: str) -> list[dict[str, Any]]:
    """How the edited image was cropped and resized before the model saw it; nothing where it fitted, or if unknown."""
    size = next((source.size for source in statement.sources if source.role == "image"), None)
    if size is None or statement.canvas is None:
        return []
    (width, height), (to_width, to_height) = size, statement.canvas
    wider = width * to_height - height * to_width  # than the canvas, if positive
    done: dict[str, Any] = {
        "when": when,
        "digitalSourceType": ENHANCED,
        "softwareAgent": {"name": statement.system, "version": statement.system_version},
    }
    actions = []
    kept = (round(height * to_width / to_height), height) if wider > 0 else (width, round(width * to_height / to_width))
    if kept != size:
        what = "The centre of {}x{} px, {}x{} px, was kept.".format(*size, *kept)
        actions.append({**done, "action": "c2pa.cropped", "description": what})
    if kept != statement.canvas:
        what = f"Resized to {to_width}x{to_height} px."
        actions.append({**done, "action": "c2pa.resized.proportional", "description": what})
    return actions


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _redacted(uri: str, when: str) -> dict[str, Any]:
    """Nobody has screened it: it may show or name people."""
    return {
        "action": "c2pa.redacted",
        "when": when,
        "reason": "c2pa.PII.present",
        "parameters": {"redacted": uri},
    }


def _resized(resized: Resized, when: str) -> dict[str, Any]:
    width, height = resized.drawn
    return {
        "action": "c2pa.resized.proportional",
        "when": when,
        "digitalSourceType": ENHANCED,
        "softwareAgent": {"name": resized.method, "version": resized.version},
        "description": f"Generated at {width}x{height} px and upscaled.",
    }


def _labelled_visibly(statement: Statement, when: str) -> dict[str, Any]:
    """A program drew the text; that does not make more or less of the image generated."""
    return {
        "action": ADDED_TEXT,
        "when": when,
        "digitalSourceType": ENHANCED,
        "softwareAgent": {"name": statement.system, "version": statement.system_version},
        "description": f"Visible label: {statement.label}",
    }


def _soft_binding(statement: Statement) -> dict[str, Any]:
    """In JSON there are no bytes: text of the same lengths keeps their places, which `watermark.c2pa.signing` fills."""
    data = _binding(statement, "-" * MARK_BYTES, "")
    return {"label": SOFT_BINDING_LABEL, "created": True, "data": data}


def soft_binding(statement: Statement) -> dict[str, Any]:
    """The soft binding as the specification's schema (18.10.2) wants it: value and padding are bytes."""
    return _binding(statement, mark_bytes(statement.mark_id), b"")


def _binding(statement: Statement, value: str | bytes, pad: str | bytes) -> dict[str, Any]:
    return {"alg": statement.mark_algorithm, "blocks": [{"scope": {}, "value": value}], "pad": pad}


def _disclosure(statement: Statement) -> dict[str, Any]:
    data = {
        "provider": statement.provider,
        "system": statement.system,
        "system_version": statement.system_version,
        "created_at": _utc(statement.created_at),
        "content_id": statement.content_id,
    }
    return {"label": DISCLOSURE_LABEL, "created": True, "data": data}


def _sources(statement: Statement) -> dict[str, Any]:
    data = {"sources": [{"role": one.role, "alg": "sha256", "digest": one.sha256} for one in statement.sources]}
    return {"label": SOURCES_LABEL, "created": True, "data": data}


def _consent(statement: Statement) -> dict[str, Any]:
    """Digests only: the receipts say who they are about, and are not in the manifest."""
    data = {"receipts": [{"alg": "sha256", "digest": digest} for digest in statement.consents]}
    return {"label": CONSENT_LABEL, "created": True, "data": data}


def _adapters(statement: Statement) -> dict[str, Any]:
    """Digests only: an adapter's name may be the name of a person."""
    used = [{"alg": "sha256", "digest": digest, "scale": scale} for digest, scale in statement.adapters]
    return {"label": ADAPTERS_LABEL, "created": True, "data": {"adapters": used}}


def _ai(statement: Statement) -> dict[str, Any]:
    data = {
        "modelType": "c2pa.types.model",
        "modelName": statement.model,
        "modelIdentifier": f"{statement.model}@{statement.model_version}+sha256.{statement.model_digest}",
    }
    return {"label": "c2pa.ai-disclosure", "created": True, "data": data}


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
