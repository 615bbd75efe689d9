"""China: Measures for labelling AI-generated content, and the mandatory standard GB 45438-2025."""

import json

from detectors import aigc_label
from service.labels.profile import Check, Evidence, Facts, Item, Profile, visible_item
from service.labels.visible import VisibleRule
from service.media.file_metadata import FileMetadata

_STANDARD = "GB 45438-2025"
_UNSIGNED = "Anything about its truth: everybody can write it."
_GENERATED = "1"


def _write(facts: Facts) -> FileMetadata:
    """The label in each place that readers look: XMP, a PNG text, an EXIF comment. Propagators fill in their parts."""
    fields = {
        "Label": _GENERATED,
        "ContentProducer": facts.producer or facts.provider,
        "ProduceID": facts.content_id,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    label = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return FileMetadata(xmp={"TC260:AIGC": label}, text={"AIGC": label}, comment=f'{{"AIGC":{label}}}')


def _field(name: str) -> Check:
    def check(evidence: Evidence) -> str:
        return aigc_label(evidence.metadata).get(name.casefold(), "")

    return check


def _label(evidence: Evidence) -> str:
    value = aigc_label(evidence.metadata).get("label", "")
    meanings = {"1": "generated", "2": "possibly generated", "3": "suspected to be generated"}
    return f"{value}: {meanings[value]}" if value in meanings else ""


PROFILE = Profile(
    name="cn-gb45438",
    title="China: GB 45438-2025",
    in_force="1 September 2025",
    write=_write,
    label=VisibleRule(letter=0.05, language="zh"),
    items=(
        Item("label", "The implicit label: AIGC with Label 1, 2 or 3", f"{_STANDARD}, section 6", _UNSIGNED, _label),
        Item(
            "producer",
            "ContentProducer: name or code of the service that generated it",
            f"{_STANDARD}, section 6",
            "That the code is registered.",
            _field("ContentProducer"),
        ),
        Item(
            "produce_id",
            "ProduceID: the producer's number of the content",
            f"{_STANDARD}, section 6",
            "That the producer knows this number.",
            _field("ProduceID"),
        ),
        visible_item(
            "A visible label of text that names AI and generation, at least 5 % of the shorter side high",
            f"{_STANDARD}, section 5",
            required=True,
        ),
        Item(
            "propagator",
            "ContentPropagator and PropagateID, which a platform adds that spreads the image",
            f"{_STANDARD}, section 6",
            _UNSIGNED,
            _field("ContentPropagator"),
            required=False,
        ),
    ),
    beyond="Checks by platforms, records for six months where a user asks for no visible label, and registration.",
)
