"""What a file's metadata declares about its origin. Anyone can write metadata, so these are only claims."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["synthetic", "composite", "camera", "unknown"]

IPTC_SOURCE_TYPES: Mapping[str, Origin] = {
    # https://cv.iptc.org/newscodes/digitalsourcetype/
    "trainedAlgorithmicMedia": "synthetic",
    "algorithmicMedia": "synthetic",
    "virtualRecording": "synthetic",
    "compositeSynthetic": "composite",
    "compositeWithTrainedAlgorithmicMedia": "composite",
    "digitalCapture": "camera",
    "computationalCapture": "camera",
    "negativeFilm": "camera",
    "positiveFilm": "camera",
    "print": "camera",
}
_SOURCE_TYPE = re.compile(r"newscodes/digitalsourcetype/(\w+)")
# The bounds prevent quadratic time on a hostile packet.
_XMP_AIGC = re.compile(r"TC260:AIGC(?:=\"([^\"]{0,2000})\"|>([^<]{0,2000})<)")
_GENERATORS = re.compile(
    r"stable.?diffusion|midjourney|dall.?e|firefly|comfyui|invokeai|novelai|flux\.?1|imagen|gpt-image", re.I
)
_EXIF_MAKE, _EXIF_MODEL, _EXIF_SOFTWARE = 0x010F, 0x0110, 0x0131
# PNG text keys under which generators store their settings.
_GENERATOR_KEYS = {
    "parameters": "Stable Diffusion web UI parameters",
    "prompt": "ComfyUI graph",
    "workflow": "ComfyUI workflow",
    "invokeai_metadata": "InvokeAI metadata",
    "sd-metadata": "InvokeAI metadata",
    "dream": "InvokeAI metadata",
}
# GB 45438-2025: "1" generated, "2" possibly generated, "3" suspected.
_AIGC_LABELS: Mapping[str, Origin] = {"1": "synthetic", "2": "unknown", "3": "unknown"}
_MAX_VALUE = 500


@dataclass(frozen=True, slots=True)
class Metadata:
    """A file's metadata as text: PNG text chunks by key, the XMP packet, EXIF tags of the first directory."""

    text: Mapping[str, str] = field(default_factory=dict)
    xmp: str = ""
    exif: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One statement: where it is (`source`), its text (`value`), and what it means (`origin`)."""

    source: Literal["iptc", "png_text", "exif", "aigc"]
    origin: Origin
    value: str


def declarations(metadata: Metadata) -> list[Declaration]:
    """Every statement the metadata makes about the image's origin."""
    return [*_iptc(metadata), *_png_text(metadata), *_aigc(metadata), *_exif(metadata)]


def _iptc(metadata: Metadata) -> Iterator[Declaration]:
    for source_type in dict.fromkeys(_SOURCE_TYPE.findall(metadata.xmp)):
        yield Declaration("iptc", IPTC_SOURCE_TYPES.get(source_type, "unknown"), source_type)


def _png_text(metadata: Metadata) -> Iterator[Declaration]:
    for key, meaning in _GENERATOR_KEYS.items():
        if key in metadata.text:
            yield Declaration("png_text", "synthetic", meaning)
    software = metadata.text.get("Software", "")
    if _GENERATORS.search(software):
        yield Declaration("png_text", "synthetic", software[:_MAX_VALUE])


def _aigc(metadata: Metadata) -> Iterator[Declaration]:
    labels = [metadata.text["AIGC"]] if "AIGC" in metadata.text else []
    labels += [a or b for a, b in _XMP_AIGC.findall(metadata.xmp)]
    for label in labels:
        value = label.replace("&quot;", '"')
        yield Declaration("aigc", _AIGC_LABELS.get(_aigc_label(value), "unknown"), value[:_MAX_VALUE])


def _aigc_label(value: str) -> str:
    try:
        fields = json.loads(value)
    except ValueError:
        return ""
    fields = fields.get("AIGC", fields) if isinstance(fields, dict) else {}
    return str(fields.get("Label", "")) if isinstance(fields, dict) else ""


def _exif(metadata: Metadata) -> Iterator[Declaration]:
    software = metadata.exif.get(_EXIF_SOFTWARE, "")
    if _GENERATORS.search(software):
        yield Declaration("exif", "synthetic", software[:_MAX_VALUE])
    camera = " ".join(filter(None, (metadata.exif.get(_EXIF_MAKE), metadata.exif.get(_EXIF_MODEL))))
    if camera:
        yield Declaration("exif", "camera", camera[:_MAX_VALUE])
