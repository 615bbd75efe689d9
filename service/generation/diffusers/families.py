"""Which pipelines can be served, and what of their folders is loaded.

A family is a pipeline class that diffusers' `AutoPipelineForText2Image` maps to and that draws one picture from words
alone. Of a folder only classes of diffusers and transformers are loaded: it never brings code.
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
_PEFT = "adapter_config.json"  # names the model that it changes, and transformers loads that one instead
_TABLE = re.compile(r"\.index(\.[^.]+)?\.json$")  # of shards; with a variant's name, such as fp16
_REPLACED: Mapping[str, Any] = {
    "safety_checker": None,
    "requires_safety_checker": False,
    "add_watermarker": False,
}
"""What a pipeline does itself where the gateway does it for every pipeline: checking and marking."""

_NEEDED = ("prompt", "width", "height", "num_inference_steps", "generator", "output_type")
_STEERED = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
"""Families whose UNet gets the prompt's and the empty prompt's states in one batch: see `safe_guidance`."""


@dataclass(frozen=True, slots=True)
class Index:
    """What model_index.json says: the pipeline's class, and library and class of each part that is there."""

    folder: Path
    family: str
    parts: Mapping[str, tuple[str, str]]


def read_index(folder: Path) -> Index:
    """The index of a diffusers folder.

    Raises Misconfigured where it is none, brings code, or names files that do not lie in it.
    """
    try:
        values = json.loads((folder / INDEX).read_bytes())
        family = values["_class_name"]
        named = {name: part for name, part in values.items() if isinstance(part, list)}
        parts = {name: (library, kind) for name, (library, kind) in named.items() if library is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Misconfigured(f"{folder} is no diffusers folder: no readable {INDEX}") from wrong
    if code := next(folder.rglob("*.py"), None):
        raise Misconfigured(f"{folder} brings code ({code.name}), which is never run", hint="Use a folder without.")
    if outside := next((name for name in named if not name.isidentifier()), None):
        raise Misconfigured(f"{INDEX} names a part {outside!r}, which is no name of a folder in it")
    for path in files_of(folder):
        _check_leads_nowhere(path)
    return Index(folder, str(family), parts)


def shards(table: Path) -> frozenset[str]:
    """The files that a table of shards names; all lie beside it. Raises Misconfigured where it cannot be read."""
    try:
        named = frozenset(json.loads(table.read_bytes())["weight_map"].values())
        if outside := [name for name in named if Path(name).name != name]:
            raise Misconfigured(f"{table} names {outside[0]}, which is no file beside it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        raise Misconfigured(f"{table} cannot be read", hint="Fetch it again.") from bad
    return named


def pipeline_class(index: Index) -> Any:
    """The class of the pipeline. Raises Misconfigured where it cannot be served."""
    from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING  # noqa: PLC0415 - an extra

    known = {kind.__name__: kind for kind in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()}
    family = known.get(index.family)
    if family is None:
        raise Misconfigured(f"{index.family} is not supported: diffusers knows no such pipeline from text to image")
    lacking = [name for name in _NEEDED if name not in inspect.signature(family.__call__).parameters]
    if "Control" in index.family or "Combined" in index.family or index.family == "IFPipeline" or lacking:
        raise Misconfigured(
            f"{index.family} is not supported: it does not draw a picture from words alone in one go",
            hint="Use a pipeline without control pictures and stages of its own.",
        )
    return family


def replaced(family: Any) -> dict[str, Any]:
    """The arguments that load the pipeline without what the gateway does in its place."""
    takes = inspect.signature(family.__init__).parameters
    left_out = {name: value for name, value in _REPLACED.items() if name in takes}
    return {**left_out, "feature_extractor": None} if "safety_checker" in takes else left_out


def part_class(library: str, kind: str) -> Any:
    """The class of one part. Raises Misconfigured where it is neither diffusers' nor transformers'."""
    found = getattr(_module(library), kind, None)
    if not (inspect.isclass(found) and callable(getattr(found, "from_pretrained", None)) and _is_known(found)):
        raise Misconfigured(
            f"{library}.{kind} is no class of diffusers or transformers that can be loaded",
            hint="Parts with code of their own are not loaded.",
        )
    return found


def steerable(family: str) -> bool:
    """`safe_guidance` can steer it."""
    return family in _STEERED


def _check_leads_nowhere(path: Path) -> None:
    """What is loaded lies in the folder, so that its digest covers it."""
    if path.name == _PEFT:
        raise Misconfigured(
            f"{path} makes an adapter of this part: its weights may come from elsewhere",
            hint="Merge the adapter into the part, or put it on the list: countermark models add-adapter.",
        )
    if _TABLE.search(path.name):
        shards(path)


def _module(library: str) -> ModuleType | None:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    named = {"diffusers": diffusers, "transformers": transformers}
    found = named.get(library) or getattr(diffusers.pipelines, library, None)  # "stable_diffusion" and others have some
    return found if isinstance(found, ModuleType) else None


def _is_known(kind: Callable[..., Any]) -> bool:
    return str(kind.__module__).split(".")[0] in ("diffusers", "transformers")
