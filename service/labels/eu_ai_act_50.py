"""European Union: Regulation (EU) 2024/1689, Article 50(2), and the code of practice on marking and labelling."""

from service.labels.profile import Evidence, Facts, Item, Profile, visible_item
from service.labels.visible import VisibleRule
from service.media.file_metadata import FileMetadata

_ARTICLE = "Regulation (EU) 2024/1689, Article 50(2)"
_CODE = "Code of practice on marking and labelling of AI-generated content, under Article 50(7)"


def _write(facts: Facts) -> FileMetadata:
    return FileMetadata(xmp=facts.generator)


def _signed(evidence: Evidence) -> str:
    kind = evidence.claims_generated
    return f"Content Credential, digital source type {kind}" if evidence.signed and kind else ""


def _timestamp(evidence: Evidence) -> str:
    return f"signed at {evidence.created_at}" if evidence.signed and evidence.timestamped else ""


def _trusted(evidence: Evidence) -> str:
    return evidence.signer if evidence.signed and evidence.trusted else ""


PROFILE = Profile(
    name="eu-ai-act-50",
    title="European Union: AI Act, Article 50(2)",
    in_force="2 August 2026; systems on the market before: 2 December 2026",
    write=_write,
    label=VisibleRule(),
    items=(
        Item(
            "signed_metadata",
            "A digitally signed, machine-readable statement that the image is generated or manipulated",
            f"{_ARTICLE}; {_CODE}",
            "That the statement is true, or who stands behind a signer on no trust list.",
            _signed,
        ),
        Item(
            "timestamp",
            "A time-stamp on that statement",
            _CODE,
            "When the image was made: only that it was signed no later.",
            _timestamp,
        ),
        Item(
            "watermark",
            "An imperceptible watermark in the pixels",
            f"{_ARTICLE}; {_CODE}",
            "That the mark was put on this image: marks can be copied. Marks of unknown kinds are not found.",
            lambda evidence: ", ".join(evidence.marks),
        ),
        Item(
            "source_type",
            "The IPTC digital source type in unsigned metadata, for programs that read no credentials",
            "IPTC Photo Metadata 2025.1, Digital Source Type",
            "Anything: everybody can write it.",
            lambda evidence: evidence.xmp("Iptc4xmpExt:DigitalSourceType"),
            required=False,
        ),
        Item(
            "trusted_signer",
            "A signer on a trust list, so that others can rely on the statement",
            _CODE,
            "That the signer tells the truth.",
            _trusted,
            required=False,
        ),
        visible_item(
            "A visible label on a deep fake or on text of public interest (a duty of the deployer)",
            "Regulation (EU) 2024/1689, Article 50(4)",
            required=False,
        ),
    ),
    beyond="Terms that forbid removing marks, a free detector, kept marks of inputs, published figures of robustness.",
)
