"""California: AI Transparency Act (SB 942, changed by AB 853), Business and Professions Code, section 22757.3."""

from service.kit.clock import stamp
from service.labels.profile import Check, Evidence, Facts, Item, Profile, visible_item
from service.labels.visible import VisibleRule
from service.media.file_metadata import FileMetadata

_LATENT = "Cal. Bus. & Prof. Code § 22757.3(b)"
_UNSIGNED = "That it is true: a credential is only as good as its signer, and everybody can write metadata."


def _write(facts: Facts) -> FileMetadata:
    return FileMetadata(
        xmp={
            **facts.generator,
            "photoshop:Credit": facts.provider,
            "xmp:CreateDate": stamp(facts.created_at),
            "Iptc4xmpExt:DigImageGUID": facts.content_id,
        }
    )


def _stated(disclosed: tuple[str, ...], other: str, properties: tuple[str, ...]) -> Check:
    """In our disclosure assertion, or in what every credential has (`other`), or in XMP; all parts in one of them."""

    def check(evidence: Evidence) -> str:
        if not evidence.signed and not properties:
            return ""
        places = (
            ("disclosure", [evidence.disclosure.get(key, "") for key in disclosed]),
            ("credential", [getattr(evidence, other)] if other and evidence.signed else [""]),
            ("XMP", [evidence.xmp(name) for name in properties] or [""]),
        )
        return next((f"{' '.join(parts)} ({place})" for place, parts in places if all(parts)), "")

    return check


def _latent(evidence: Evidence) -> str:
    parts = [*(["an intact credential"] if evidence.signed else []), *evidence.marks]
    return ", ".join(parts)


PROFILE = Profile(
    name="ca-sb942",
    title="California: AI Transparency Act (SB 942)",
    in_force="2 August 2026",
    write=_write,
    label=VisibleRule(),
    items=(
        Item(
            "provider",
            "The name of the covered provider",
            f"{_LATENT}(1)(A)",
            _UNSIGNED,
            _stated(("provider",), "signer", ("photoshop:Credit",)),
        ),
        Item(
            "system",
            "The name and version number of the system that created or altered the image",
            f"{_LATENT}(1)(B)",
            _UNSIGNED,
            _stated(
                ("system", "system_version"),
                "generator",
                ("Iptc4xmpExt:AISystemUsed", "Iptc4xmpExt:AISystemVersionUsed"),
            ),
        ),
        Item(
            "time",
            "The time and date of its creation or alteration",
            f"{_LATENT}(1)(C)",
            "When the image was made: without a trusted time-stamp it is the signer's own word.",
            _stated(("created_at",), "created_at", ("xmp:CreateDate",)),
        ),
        Item(
            "unique_id",
            "A unique identifier",
            f"{_LATENT}(1)(D)",
            "That no other file carries the same one: metadata can be copied.",
            _stated(("content_id",), "manifest_id", ("Iptc4xmpExt:DigImageGUID",)),
        ),
        Item(
            "latent",
            "Detectable by the provider's tool, and hard to remove as far as that is possible",
            f"{_LATENT}(2) and (4)",
            "That it can be read after every change; benchmarks/watermark.py measures which it survives.",
            _latent,
        ),
        visible_item(
            "A visible disclosure, if the user chose it", "Cal. Bus. & Prof. Code § 22757.3(a)", required=False
        ),
    ),
    beyond="A free public detector, feedback by choice, and licences that end within 96 hours if disclosures go.",
)
