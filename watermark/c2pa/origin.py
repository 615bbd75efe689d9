"""Where an image comes from by its credential: what the active manifest says, and the manifests below it.

An honest resize of a generated image is still generated; a cropped photograph is still a photograph; a photograph with
a generated part is a composite. What an altered ingredient says is not believed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from watermark.c2pa.credential import Action, Credential, Ingredient, Manifest
from watermark.c2pa.source_types import Source, source, term
from watermark.c2pa.status import Integrity, SignerStatus


class Kind(StrEnum):
    """Where an image comes from."""

    SYNTHETIC = "synthetic"
    ALGORITHMIC = "algorithmic"
    """Synthetic, made by an algorithm that was not trained on examples."""
    COMPOSITE = "composite"
    """Part of it is synthetic."""
    CAMERA = "camera"
    OTHER = "other"
    UNKNOWN = "unknown"


SYNTHETIC_KINDS = frozenset({Kind.SYNTHETIC, Kind.ALGORITHMIC})
_GENERATED = SYNTHETIC_KINDS | {Kind.COMPOSITE}
_KINDS: Mapping[Source | None, Kind] = {
    Source.TRAINED: Kind.SYNTHETIC,
    Source.ALGORITHMIC: Kind.ALGORITHMIC,
    Source.COMPOSITE: Kind.COMPOSITE,
    Source.CAPTURE: Kind.CAMERA,
    Source.OTHER: Kind.OTHER,
    Source.AMBIGUOUS: Kind.OTHER,
    None: Kind.UNKNOWN,
}
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """`through`: an ingredient's manifest says so, not the active one. `vouched`: every signer below is trusted."""

    kind: Kind = Kind.UNKNOWN
    through: bool = False
    vouched: bool = True


def origin(credential: Credential) -> Origin:
    """The origin that a credential claims, through the whole tree. Time is linear in the number of manifests."""
    manifests = {manifest.id: manifest for manifest in credential.manifests if manifest.id}
    known: dict[str, Origin] = {}

    def below(ingredient: Ingredient, depth: int) -> Origin:
        if ingredient.integrity in (Integrity.ALTERED, Integrity.UNREADABLE):
            return Origin(vouched=False)
        label = ingredient.manifest_id
        manifest = manifests.get(label) if label else None
        if label is None or manifest is None or depth > _MAX_DEPTH:
            return Origin(vouched=False)
        if label not in known:
            known[label] = Origin(vouched=False)  # a manifest that leads back to itself says nothing
            known[label] = _origin(manifest, lambda inner: below(inner, depth + 1))
        found = known[label]
        return Origin(found.kind, True, found.vouched and ingredient.signer_status is SignerStatus.TRUSTED)

    return _origin(credential.active, lambda ingredient: below(ingredient, 1))


def _origin(manifest: Manifest, below: Callable[[Ingredient], Origin]) -> Origin:
    parents = [each for each in manifest.ingredients if each.relationship == "parentOf"]
    base = _base(manifest, [below(parent) for parent in parents])
    parts = [below(part) for part in _components(manifest)]
    edits = [_KINDS[source(each.digital_source_type)] for each in manifest.actions if not _begins(each)]
    generated = any(kind in _GENERATED for kind in edits)
    if base.kind is Kind.UNKNOWN and not base.through and not manifest.ingredients and generated:
        # Only edits, and nothing that was edited: then they made the image.
        kind = next(kind for kind in edits if kind in _GENERATED)
        return Origin(kind)
    mixed = generated or any(part.kind in _GENERATED for part in parts)
    if base.kind in SYNTHETIC_KINDS:
        return Origin(Kind.COMPOSITE) if any(part.kind is Kind.CAMERA for part in parts) else base
    if mixed and base.kind is not Kind.COMPOSITE:
        return Origin(Kind.COMPOSITE, through=not generated)
    return base


def _base(manifest: Manifest, parents: list[Origin]) -> Origin:
    """What the image began as: created here, or opened as a parent; else what signed metadata says."""
    created = [_KINDS[source(each.digital_source_type)] for each in manifest.actions if each.action == "c2pa.created"]
    opened = [_KINDS[source(each.digital_source_type)] for each in manifest.actions if each.action == "c2pa.opened"]
    metadata = [_KINDS[source(each)] for each in manifest.metadata_source_types]
    own = next((kind for kind in created if kind is not Kind.UNKNOWN), None)
    if own is not None:
        return Origin(own)
    parent = next((each for each in parents if each.kind is not Kind.UNKNOWN), None)
    if parent is not None:
        return parent
    said = next((kind for kind in (*opened, *metadata) if kind is not Kind.UNKNOWN), None)
    return Origin(said) if said else Origin(vouched=not parents)


def _components(manifest: Manifest) -> Iterator[Ingredient]:
    """What was put into the image. Inputs, such as a reference image, are not; nor what was taken out again."""
    removed = {name for each in manifest.actions if each.action == "c2pa.removed" for name in each.ingredients}
    for each in manifest.ingredients:
        if each.relationship == "componentOf" and not removed & {each.label, each.instance_id}:
            yield each


def _begins(action: Action) -> bool:
    return action.action in ("c2pa.created", "c2pa.opened")


# The names of the official asset rubrics 1.0 (C2PA Conformance Program, 2026-08-06, "Detailed Signals Criteria").
_INCEPTIONS: Mapping[str, str] = {
    "trainedAlgorithmicMedia": "fullyGenAIMedia",
    "compositeWithTrainedAlgorithmicMedia": "partlyGenAICreation",
    "composite": "compositionMayContainGenAI",
    "screenCapture": "screenCaptureMayContainGenAI",
    "digitalCapture": "capturedMedia",
    "computationalCapture": "capturedMedia",
    "compositeCapture": "capturedMediaStitched",
    "digitalCreation": "nonGenAIDigitalCreation",
    "empty": "blankCanvas",
}
_GENERATIVE = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "trainedAlgorithmicData"}
)
_NON_EDITORIAL = frozenset(
    {"c2pa.converted", "c2pa.published", "c2pa.resized.proportional", "c2pa.transcoded", "c2pa.repackaged",
     "c2pa.watermarked", "c2pa.watermarked.bound", "c2pa.watermarked.unbound"}
)  # fmt: skip


def signals(manifest: Manifest) -> tuple[str, ...]:
    """The official composition signals of one manifest, sorted."""
    return tuple(sorted(set(_inceptions(manifest)) | set(_transformations(manifest))))


def _inceptions(manifest: Manifest) -> Iterator[str]:
    for action in manifest.actions:
        if action.action == "c2pa.created" and term(action.digital_source_type) in _INCEPTIONS:
            yield _INCEPTIONS[term(action.digital_source_type)]
    if any(ingredient.manifest_id is None for ingredient in manifest.ingredients):
        yield "mediaUnknownProvenance"


def _transformations(manifest: Manifest) -> Iterator[str]:
    if not manifest.actions or not manifest.all_actions or any("." not in each.action for each in manifest.actions):
        yield "ambiguousActions"
    for action in manifest.actions:
        if action.action in _NON_EDITORIAL:
            yield "nonEditorial"
        elif action.digital_source_type and not _begins(action):
            kind = term(action.digital_source_type)
            yield "perceptibleGenAI" if kind in _GENERATIVE else "perceptibleNonGenAI"
            if kind in ("digitalArt", "composite"):
                yield "perceptiblePossiblyGenAI"
