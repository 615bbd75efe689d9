"""What a law asks of a generated image, as data: fields to write, a label to draw, and what to look for in a file."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from detectors import Metadata
from service.labels.visible import VisibleRule
from service.media.file_metadata import FileMetadata

Status = Literal["present", "lacking", "look"]
"""`look`: only a person who looks at the image can tell."""

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED_TYPES = frozenset(
    {
        "trainedalgorithmicmedia",
        "algorithmicmedia",
        "compositesynthetic",
        "compositewithtrainedalgorithmicmedia",
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about an image when its file is written. It contains neither the prompt nor the user.

    `edited`: an input image was changed. `producer`: the provider's code for China's label; empty if it has none.
    """

    content_id: str
    created_at: dt.datetime
    provider: str
    system: str
    system_version: str
    model: str
    model_version: str
    edited: bool
    producer: str = ""

    @property
    def source_type(self) -> str:
        """The IPTC digital source type, as a URI."""
        return SOURCE_TYPES + ("compositeWithTrainedAlgorithmicMedia" if self.edited else "trainedAlgorithmicMedia")

    @property
    def generator(self) -> dict[str, str]:
        """The XMP properties that name what generated the image (IPTC Photo Metadata 2025.1)."""
        return {
            "Iptc4xmpExt:DigitalSourceType": self.source_type,
            "Iptc4xmpExt:AISystemUsed": f"{self.system} with {self.model}",
            "Iptc4xmpExt:AISystemVersionUsed": f"{self.system_version}, model {self.model_version}",
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file carries, as the examiner found it.

    `signed`: its credential is intact, whoever signed it; what follows is then the credential's, else empty.
    `disclosure`: our disclosure assertion. `generator`, `signer`, `manifest_id`, `created_at`: those of any credential.
    `timestamped`: a trusted authority vouches for the time. `labelled`: the credential says that a label was drawn.
    `marks`: the algorithms of the generators' watermarks that were read from the pixels.
    """

    metadata: Metadata = field(default_factory=Metadata)
    signed: bool = False
    trusted: bool = False
    timestamped: bool = False
    source_types: frozenset[str] = frozenset()
    disclosure: Mapping[str, str] = field(default_factory=dict)
    generator: str = ""
    signer: str = ""
    manifest_id: str = ""
    created_at: str = ""
    labelled: str = ""
    marks: tuple[str, ...] = ()

    @property
    def claims_generated(self) -> str:
        """The source type in an intact credential that says that the image, or a part, was generated; or empty."""
        return next((kind for kind in sorted(self.source_types) if kind.casefold() in GENERATED_TYPES), "")

    def xmp(self, name: str) -> str:
        """The first value of an XMP property, or an empty text."""
        return next((value for value in self.metadata.values("xmp", name) if value), "")


Check = Callable[[Evidence], str]
"""What a file carries for an item, in words; an empty text if it carries nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a law asks a file to carry.

    `source`: where the law says so. `proves_not`: what finding it does not prove. `required`: otherwise it is advised.
    `visible`: it is in the pixels for people; without a statement in the credential, somebody has to look.
    """

    id: str
    requirement: str
    source: str
    proves_not: str
    check: Check
    required: bool = True
    visible: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One law. `write`: the metadata of a new file. `label`: the visible label, if one is asked for or wanted."""

    name: str
    title: str
    in_force: str
    write: Callable[[Facts], FileMetadata]
    label: VisibleRule
    items: tuple[Item, ...]
    beyond: str
    """What the law asks of people and services, which no file can show."""


def visible_item(requirement: str, source: str, *, required: bool) -> Item:
    """The item of a visible label."""
    return Item(
        id="visible_label",
        requirement=requirement,
        source=source,
        proves_not="That the label is still in the picture, or large and clear enough: a crop removes it. Look at it.",
        check=lambda evidence: evidence.labelled,
        required=required,
        visible=True,
    )
