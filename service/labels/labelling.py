"""The laws that an operator has switched on, applied to one image: what to draw, what to write, what must be there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import Metadata
from detectors.declared.metadata import Field
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from service.labels import PROFILES
from service.labels.profile import Facts, Profile
from service.labels.visible import TEXTS, Labelled, Language, Position, VisibleRule, draw, strictest
from service.media.file_metadata import FileMetadata
from service.media.pictures import OutputFormat


@dataclass(frozen=True, slots=True)
class Labels:
    """The laws switched on. `always_visible`: draw the visible label on every image, not only where an order asks.

    `language`: of the visible label; None: the laws' own. `producer`: see Facts.
    """

    profiles: tuple[Profile, ...] = ()
    always_visible: bool = False
    language: Language | None = None
    position: Position = "bottom-right"
    producer: str = ""

    def drawn(self, rgb: NDArray[np.uint8], *, wanted: bool) -> Labelled:
        """The image (uint8[H, W, 3]) with its visible label, if the order wants one or the operator always does.

        Raises:
            ValueError: the image is too small for the label.
        """
        if not (wanted or self.always_visible):
            return Labelled(rgb)
        return draw(rgb, self._text, self._rule, self.position)

    @property
    def _rule(self) -> VisibleRule:
        return strictest([profile.label for profile in self.profiles])

    @property
    def _text(self) -> str:
        return TEXTS[self.language or self._rule.language]

    def metadata(self, facts: Facts) -> FileMetadata:
        """What the laws want written into the file. Where two want the same field, they want the same value."""
        written = [profile.write(facts) for profile in self.profiles]
        return FileMetadata(
            xmp={name: value for one in written for name, value in one.xmp.items()},
            text={name: value for one in written for name, value in one.text.items()},
            comment=next((one.comment for one in written if one.comment), ""),
        )


NO_LABELS = Labels()


def missing(wanted: FileMetadata, found: Metadata, form: OutputFormat) -> tuple[str, ...]:
    """The names of the fields that were to be written and do not read back as they should."""
    fields = [Field("xmp", name, value) for name, value in wanted.xmp.items()]
    if form == "png":
        fields += [Field("png_text", name, value) for name, value in wanted.text.items()]
    elif wanted.comment:
        fields.append(Field("exif", "ImageDescription" if form == "tiff" else "UserComment", wanted.comment))
    return tuple(each.name for each in fields if each.value.strip() not in found.values(each.place, each.name))


def open_labels(settings: Settings) -> Labels:
    """The labels of the settings. Raises Misconfigured for a law that is not known."""
    return Labels(
        profiles=profiles(settings.labels),
        always_visible=settings.visible_label,
        language=settings.label_language,
        position=settings.label_position,
        producer=settings.label_producer or "",
    )


def profiles(names: Sequence[str]) -> tuple[Profile, ...]:
    """The laws of these names, in the order of the registry. Raises Misconfigured naming one that is not known."""
    for name in names:
        if name not in PROFILES:
            raise Misconfigured(f"there is no law {name!r}", hint=f"Use one of {', '.join(PROFILES)}.")
    return tuple(profile for name, profile in PROFILES.items() if name in names)
