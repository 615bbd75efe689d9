"""An image's facts, and evidence that carries everything or nothing."""

import datetime as dt
from dataclasses import replace

from detectors.declared.metadata import Field, Metadata
from service.labels import Evidence, Facts, Profile
from service.media.file_metadata import FileMetadata

FACTS = Facts(
    content_id="urn:uuid:7",
    created_at=dt.datetime(2026, 8, 2, 12, tzinfo=dt.UTC),
    provider="Provider & Söhne",
    system="Countermark",
    system_version="1.0",
    model="painter",
    model_version="3",
    edited=False,
)
EDITED = replace(FACTS, edited=True)
NOTHING = Evidence()
SIGNED = Evidence(
    signed=True,
    trusted=True,
    timestamped=True,
    source_types=frozenset({"trainedAlgorithmicMedia"}),
    disclosure={
        "provider": "Provider",
        "system": "Countermark",
        "system_version": "1.0",
        "created_at": "2026-08-02T12:00:00Z",
        "content_id": "urn:uuid:7",
    },
    generator="Countermark 1.0",
    signer="Provider",
    manifest_id="urn:c2pa:1",
    created_at="2026-08-02T12:00:00Z",
    labelled="drawn",
    marks=("org.countermark.tile.2",),
)


def written(metadata: FileMetadata) -> Evidence:
    """What a file without a credential carries after `metadata` was written."""
    fields = [Field("xmp", name, value) for name, value in metadata.xmp.items()]
    fields += [Field("png_text", name, value) for name, value in metadata.text.items()]
    return Evidence(metadata=Metadata(tuple(fields)))


def found(profile: Profile, evidence: Evidence) -> set[str]:
    """The items of a law that the evidence has."""
    return {item.id for item in profile.items if item.check(evidence)}
