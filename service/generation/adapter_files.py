"""Identify adapter files by their header alone; no tensor is loaded."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from service.generation.diffusers.registration import read_header
from service.generation.folders import file_digest
from service.kit.errors import BadRequest

Kind = Literal["lora", "textual-inversion"]

MAX_BYTES: Mapping[Kind, int] = {"lora": 4 << 30, "textual-inversion": 4 << 20}
"""Largest file. LoRAs of rank 256 and more on the largest transformers fit, and so do 75 vectors of 4096 numbers."""

_MAX_TAGS = 8
_MAX_TENSORS = 50_000
_SUBJECT_TOKEN = re.compile(r"\b(sks|ohwx|zwx|tok)\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(person|people|man|woman|girl|boy|1girl|1boy|face|portrait|selfie)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A safetensors file with an adapter. `digest`: SHA-256 (hex). `hints`: what its metadata says about its training;
    anybody may have written that."""

    path: Path
    kind: Kind
    digest: str
    size: int
    hints: tuple[str, ...]


def read_adapter(path: Path) -> AdapterFile:
    """Identify the adapter in `path`.

    Raises:
        BadRequest: not a supported adapter, or too large.
        Misconfigured: not a valid safetensors file.
    """
    if path.suffix != ".safetensors" or not path.is_file():
        raise BadRequest(
            f"{path} is not a safetensors file", hint="Pickles (.pt, .bin, .ckpt) can run code: convert it first."
        )
    header = read_header(path)
    metadata = header.pop("__metadata__", None) or {}
    kind, size = _kind(header), path.stat().st_size
    if kind is None or len(header) > _MAX_TENSORS:
        raise BadRequest(
            f"{path} is neither a LoRA nor a textual inversion for one text encoder",
            hint="LoHa, LoKr, control LoRAs and embeddings for two text encoders are not supported.",
        )
    if size > MAX_BYTES[kind]:
        raise BadRequest(f"{path} has {size} bytes, more than a {kind} needs", hint="Is it a complete model?")
    return AdapterFile(path, kind, file_digest(path), size, hints(metadata))


def hints(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What training tools recorded about the images: the most frequent tags, and signs that a person was learnt."""
    folders = _folders(metadata)
    tags = Counter[str]()
    for counts in folders.values():
        tags.update(counts)
    found = [f"tag {tag!r} on {times} images" for tag, times in tags.most_common(_MAX_TAGS)]
    text = " ".join([*folders, *tags, *(str(metadata.get(key, "")) for key in ("ss_output_name", "modelspec.title"))])
    text = re.sub(r"[_\-.,]+", " ", text)
    if tokens := sorted({word.lower() for word in _SUBJECT_TOKEN.findall(text)}):
        found.append(f"a token commonly used to learn one subject: {', '.join(tokens)}")
    if person := sorted({word.lower() for word in _PERSON.findall(text)}):
        found.append(f"people: {', '.join(person)}")
    return tuple(found)


def _kind(tensors: Mapping[str, Any]) -> Kind | None:
    if tensors and any("lora" in name for name in tensors):
        return None if any(map(_is_not_plain_lora, tensors)) else "lora"
    shapes = [tensor.get("shape") for tensor in tensors.values() if isinstance(tensor, dict)]
    embedding = len(shapes) == 1 and isinstance(shapes[0], list) and 1 <= len(shapes[0]) <= 2  # one row per token
    return "textual-inversion" if embedding else None


def _is_not_plain_lora(name: str) -> bool:
    """The tensor belongs to a LoHa, a LoKr, or a norm layer that replaces one of the model's."""
    return "hada_" in name or "lokr_" in name or ("norm" in name and "lora" not in name)


def _folders(metadata: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """kohya's `ss_tag_frequency` (image folder to tag to count); empty if it is anything else."""
    try:
        frequency = json.loads(metadata.get("ss_tag_frequency") or "{}")
        return {
            str(folder): {str(tag)[:60].strip(): int(times) for tag, times in tags.items()}
            for folder, tags in frequency.items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}
