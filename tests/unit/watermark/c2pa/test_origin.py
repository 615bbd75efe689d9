from dataclasses import replace

import pytest

from watermark.c2pa.credential import Action, Credential, Ingredient, Manifest
from watermark.c2pa.origin import Kind, Origin, origin, signals
from watermark.c2pa.status import Integrity, SignerStatus

TRUSTED = SignerStatus.TRUSTED
AI, COMPOSITE, PHOTO = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "digitalCapture"
BROKEN = ("assertion.dataHash.mismatch",)


def made(source_type: str | None = None, action: str = "c2pa.created") -> Action:
    return Action(action, source_type)


def of(manifest_id: str, relationship: str = "parentOf", failures: tuple[str, ...] = ()) -> Ingredient:
    return Ingredient(None, relationship, failures, label=manifest_id, manifest_id=manifest_id, signer_status=TRUSTED)


def credential(
    *actions: Action, ingredients: tuple[Ingredient, ...] = (), below: tuple[Manifest, ...] = ()
) -> Credential:
    return Credential(Integrity.INTACT, TRUSTED, actions=actions, ingredients=ingredients, manifests=below)


GENERATED, CAPTURED = Manifest("ai", actions=(made(AI),)), Manifest("photo", actions=(made(PHOTO),))
BOTH = (GENERATED, CAPTURED)
OPENED, PLACED = made(action="c2pa.opened"), made(action="c2pa.placed")


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (credential(), Origin(Kind.UNKNOWN)),
        (credential(made(AI)), Origin(Kind.SYNTHETIC)),
        (credential(made("algorithmicMedia")), Origin(Kind.ALGORITHMIC)),
        (credential(made(AI, "c2pa.edited")), Origin(Kind.SYNTHETIC)),  # nothing was there to be edited
        (credential(made(PHOTO), made(AI, "c2pa.edited")), Origin(Kind.COMPOSITE)),
        (credential(made(AI), made(AI, "c2pa.edited")), Origin(Kind.SYNTHETIC)),
        (credential(made(PHOTO, "c2pa.opened")), Origin(Kind.CAMERA)),
        (credential(OPENED, ingredients=(of("ai"),), below=(GENERATED,)), Origin(Kind.SYNTHETIC, True, True)),
        (credential(OPENED, ingredients=(of("ai", failures=BROKEN),), below=(GENERATED,)), Origin(vouched=False)),
        (credential(OPENED, ingredients=(of("gone"),), below=(GENERATED,)), Origin(vouched=False)),
        (credential(ingredients=(of("ai"),), below=(GENERATED,)), Origin(Kind.SYNTHETIC, True)),  # no action
        (
            credential(OPENED, PLACED, ingredients=(of("photo"), of("ai", "componentOf")), below=BOTH),
            Origin(Kind.COMPOSITE, True),
        ),
        (
            credential(OPENED, PLACED, ingredients=(of("ai"), of("photo", "componentOf")), below=BOTH),
            Origin(Kind.COMPOSITE),
        ),
        (
            credential(
                OPENED, PLACED, Action("c2pa.removed", ingredients=("ai",)),
                ingredients=(of("photo"), of("ai", "componentOf")), below=(GENERATED, CAPTURED),
            ),
            Origin(Kind.CAMERA, True, True),
        ),
        (credential(made("digitalArt"), ingredients=(of("ai", "inputTo"),), below=BOTH), Origin(Kind.OTHER)),
        (replace(credential(), metadata_source_types=(AI,)), Origin(Kind.SYNTHETIC)),
    ],
)  # fmt: skip
def test_the_origin_stands_anywhere_in_the_tree(read: Credential, answer: Origin) -> None:
    assert origin(read) == answer


def test_an_innocent_sibling_of_the_same_manifest_is_believed() -> None:
    """One use of a manifest was altered, another was not: each ingredient answers for itself."""
    both = (of("ai", "componentOf", BROKEN), of("ai", "componentOf"))
    assert origin(credential(made("digitalCreation"), ingredients=both, below=(GENERATED,))).kind is Kind.COMPOSITE
    assert origin(credential(made("digitalCreation"), ingredients=both[:1], below=(GENERATED,))).kind is Kind.OTHER


def test_a_camera_counts_as_vouched_only_through_trusted_signers() -> None:
    untrusted = replace(of("photo"), signer_status=SignerStatus.UNKNOWN)
    assert origin(credential(OPENED, ingredients=(untrusted,), below=(CAPTURED,))) == Origin(Kind.CAMERA, True, False)


def test_loops_and_forests_end() -> None:
    """A manifest that leads back to itself, and one whose paths double at every level."""
    loop = Manifest("loop", actions=(OPENED,), ingredients=(of("loop"),))
    assert origin(credential(OPENED, ingredients=(of("loop"),), below=(loop,))).kind is Kind.UNKNOWN
    levels = [
        Manifest(str(level), actions=(OPENED,), ingredients=(of(str(level + 1)), of(str(level + 1), "componentOf")))
        for level in range(40)
    ]
    read = credential(OPENED, ingredients=(of("0"),), below=(*levels, replace(GENERATED, id="40")))
    assert origin(read).kind is Kind.SYNTHETIC


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (Manifest(actions=(made(AI),), all_actions=True), ("fullyGenAIMedia",)),
        (Manifest(actions=(made(COMPOSITE),), all_actions=True), ("partlyGenAICreation",)),
        (Manifest(actions=(made("composite"),), all_actions=True), ("compositionMayContainGenAI",)),
        (Manifest(actions=(made(AI),)), ("ambiguousActions", "fullyGenAIMedia")),
        (Manifest(actions=(made(PHOTO), Action("painted")), all_actions=True), ("ambiguousActions", "capturedMedia")),
        (
            Manifest(actions=(made(PHOTO), made(COMPOSITE, "c2pa.edited")), all_actions=True),
            ("capturedMedia", "perceptibleGenAI"),
        ),
        (
            Manifest(
                actions=(OPENED, Action("c2pa.converted")),
                all_actions=True,
                ingredients=(Ingredient(None, "parentOf"),),
            ),
            ("mediaUnknownProvenance", "nonEditorial"),
        ),
        (Manifest(), ("ambiguousActions",)),
    ],
)  # fmt: skip
def test_official_signals(manifest: Manifest, names: tuple[str, ...]) -> None:
    assert signals(manifest) == names
