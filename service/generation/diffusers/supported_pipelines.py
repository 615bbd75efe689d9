"""Which pipelines are supported, and what is loaded from their folders.

A family is a pipeline class of diffusers' `AutoPipelineForText2Image` that generates an image from text alone. Only
classes of diffusers and transformers are loaded; code in the folder is never run.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from service.generation.folders import files_of
from service.kit.errors import Misconfigured

INDEX = "model_index.json"
_PEFT = "adapter_config.json"  # names a base model, which transformers would load instead
_SHARD_INDEX = re.compile(r"\.index(\.[^.]+)?\.json$")  # optionally with the name of a variant, such as fp16
_DISABLED: Mapping[str, Any] = {
    "safety_checker": None,
    "requires_safety_checker": False,
    "add_watermarker": False,
}
"""Checks and watermarks built into pipelines; the gateway does both for every pipeline."""

_NEEDED = ("prompt", "width", "height", "num_inference_steps", "generator", "output_type")
_STEERED = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
"""Families whose UNet gets the conditional and unconditional states in one batch: see `safe_guidance`."""


@dataclass(frozen=True, slots=True)
class Index:
    """The contents of model_index.json: the pipeline's class, and the library and class of each part."""

    folder: Path
    family: str
    parts: Mapping[str, tuple[str, str]]


def read_index(folder: Path) -> Index:
    """Read the index of a diffusers folder.

    Raises Misconfigured if it is not one, contains code, or refers to files outside.
    """
    try:
        values = json.loads((folder / INDEX).read_bytes())
        family = values["_class_name"]
        named = {name: part for name, part in values.items() if isinstance(part, list)}
        parts = {name: (library, kind) for name, (library, kind) in named.items() if library is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Misconfigured(f"{folder} is not a diffusers folder: it has no readable {INDEX}") from wrong
    if code := next(folder.rglob("*.py"), None):
        raise Misconfigured(f"{folder} contains code ({code.name}), which is never run", hint="Remove the code.")
    if outside := next((name for name in named if not name.isidentifier()), None):
        raise Misconfigured(f"{INDEX} names a part {outside!r}, which is not a subfolder")
    for path in files_of(folder):
        _check_self_contained(path)
    return Index(folder, str(family), parts)


def shards(index: Path) -> frozenset[str]:
    """The file names in a shard index, all in the same folder. Raises Misconfigured if it cannot be read."""
    try:
        named = frozenset(json.loads(index.read_bytes())["weight_map"].values())
        if outside := [name for name in named if Path(name).name != name]:
            raise Misconfigured(f"{index} names {outside[0]}, which is not in the same folder")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        raise Misconfigured(f"{index} cannot be read", hint="Download it again.") from bad
    return named


def pipeline_class(index: Index) -> Any:
    """The class of the pipeline. Raises Misconfigured if it is not supported."""
    from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING  # noqa: PLC0415 - an extra

    known = {kind.__name__: kind for kind in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()}
    family = known.get(index.family)
    if family is None:
        raise Misconfigured(f"{index.family} is not supported: diffusers has no such text-to-image pipeline")
    missing = [name for name in _NEEDED if name not in inspect.signature(family.__call__).parameters]
    if "Control" in index.family or "Combined" in index.family or index.family == "IFPipeline" or missing:
        raise Misconfigured(
            f"{index.family} is not supported: it does not generate an image from text alone in one call",
            hint="Use a pipeline without control images or separate stages.",
        )
    return family


def disabled_components(family: Any) -> dict[str, Any]:
    """The arguments that load the pipeline without its own safety checker and watermark."""
    parameters = inspect.signature(family.__init__).parameters
    disabled = {name: value for name, value in _DISABLED.items() if name in parameters}
    return {**disabled, "feature_extractor": None} if "safety_checker" in parameters else disabled


def part_class(library: str, kind: str) -> Any:
    """The class of one part. Raises Misconfigured unless it belongs to diffusers or transformers."""
    found = getattr(_module(library), kind, None)
    if not (inspect.isclass(found) and callable(getattr(found, "from_pretrained", None)) and _is_known(found)):
        raise Misconfigured(
            f"{library}.{kind} is not a loadable class of diffusers or transformers",
            hint="Parts with custom code are not supported.",
        )
    return found


def steerable(family: str) -> bool:
    """Whether `safe_guidance` supports this pipeline class."""
    return family in _STEERED


def _check_self_contained(path: Path) -> None:
    """Refuse references to files outside the folder: its digest would not cover them."""
    if path.name == _PEFT:
        raise Misconfigured(
            f"{path} makes this part an adapter, whose base weights may come from elsewhere",
            hint="Merge the adapter into the part, or add it to the list: countermark models add-adapter.",
        )
    if _SHARD_INDEX.search(path.name):
        shards(path)


def _module(library: str) -> ModuleType | None:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    named = {"diffusers": diffusers, "transformers": transformers}
    found = named.get(library) or getattr(diffusers.pipelines, library, None)  # such as "stable_diffusion"
    return found if isinstance(found, ModuleType) else None


def _is_known(kind: Callable[..., Any]) -> bool:
    return str(kind.__module__).split(".")[0] in ("diffusers", "transformers")
