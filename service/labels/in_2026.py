"""India: IT (Intermediary Guidelines) Amendment Rules, 2026, on synthetically generated information."""

from service.labels.profile import Evidence, Facts, Item, Profile, visible_item
from service.labels.visible import VisibleRule
from service.media.file_metadata import FileMetadata

_RULE = "IT (Intermediary Guidelines and Digital Media Ethics Code) Amendment Rules, 2026, rule 3(3)"
_UNSIGNED = "That it is true: everybody can write metadata, and a credential is only as good as its signer."


def _write(facts: Facts) -> FileMetadata:
    return FileMetadata(xmp={**facts.generator, "Iptc4xmpExt:DigImageGUID": facts.content_id})


def _identifier(evidence: Evidence) -> str:
    if evidence.signed and (found := evidence.disclosure.get("content_id") or evidence.manifest_id):
        return f"{found} (credential)"
    return evidence.xmp("Iptc4xmpExt:DigImageGUID")


def _resource(evidence: Evidence) -> str:
    if evidence.signed and (found := evidence.disclosure.get("system") or evidence.generator):
        return f"{found} (credential)"
    return evidence.xmp("Iptc4xmpExt:AISystemUsed")


def _permanent(evidence: Evidence) -> str:
    return ", ".join([*(["an intact credential"] if evidence.signed else []), *evidence.marks])


PROFILE = Profile(
    name="in-2026",
    title="India: IT Rules 2026 on synthetic content",
    in_force="20 February 2026",
    write=_write,
    # The rules ask for a prominent label and give no size; the draft's tenth of the image is the only published number.
    label=VisibleRule(area=0.1),
    items=(
        visible_item("A prominent visible label", f"{_RULE}(a)", required=True),
        Item("unique_id", "A unique identifier in metadata or a credential", f"{_RULE}(a)", _UNSIGNED, _identifier),
        Item(
            "computer_resource",
            "What identifies the computer resource that generated it",
            f"{_RULE}(a)",
            _UNSIGNED,
            _resource,
        ),
        Item(
            "permanent",
            "Provenance embedded permanently, as far as that is technically feasible",
            f"{_RULE}(a)",
            "That nobody can remove it: a screenshot loses a credential, and a generator can wash out a mark.",
            _permanent,
        ),
    ),
    beyond="Takedown within 3 hours (2 for some content), and declarations by users of large platforms.",
)
