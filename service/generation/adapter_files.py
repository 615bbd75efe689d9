"""What an adapter's file is, by its header alone: nothing of it is loaded."""

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

LARGEST: Mapping[Kind, int] = {"lora": 4 << 30, "textual-inversion": 4 << 20}
"""Bytes of a file: ranks of 256 and more on the largest transformers stay below, and so do 75 words of 4096 numbers."""

_MOST_TAGS = 8
_MOST_TENSORS = 50_000
_LEARNT = re.compile(r"\b(sks|ohwx|zwx|tok)\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(person|people|man|woman|girl|boy|1girl|1boy|face|portrait|selfie)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A safetensors file that holds an adapter. `digest`: SHA-256 (hex); `hints`: what its metadata says of its
    training, which anybody may have written."""

    path: Path
    kind: Kind
    digest: str
    size: int
    hints: tuple[str, ...]


def read_adapter(path: Path) -> AdapterFile:
    """What a file is.

    Raises:
        BadRequest: it is no adapter that is supported, or too large.
        Misconfigured: it is no safetensors file.
    """
    if path.suffix != ".safetensors" or not path.is_file():
        raise BadRequest(f"{path} is no safetensors file", hint="Pickles (.pt, .bin, .ckpt) can run code; convert it.")
    header = read_header(path)
    metadata = header.pop("__metadata__", None) or {}
    kind, size = _kind(header), path.stat().st_size
    if kind is None or len(header) > _MOST_TENSORS:
        raise BadRequest(
            f"{path} is neither a LoRA nor a textual inversion of one text encoder",
            hint="LoHa, LoKr, LoRAs for control pictures and embeddings for two text encoders are not supported.",
        )
    if size > LARGEST[kind]:
        raise BadRequest(f"{path} has {size} bytes, more than a {kind} needs", hint="Is it a whole model?")
    return AdapterFile(path, kind, file_digest(path), size, hints(metadata))


def hints(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What training tools wrote about the pictures: their most frequent tags, and signs that a person was learnt."""
    folders = _folders(metadata)
    tags = Counter[str]()
    for counts in folders.values():
        tags.update(counts)
    found = [f"tag {tag!r} on {times} pictures" for tag, times in tags.most_common(_MOST_TAGS)]
    said = " ".join([*folders, *tags, *(str(metadata.get(key, "")) for key in ("ss_output_name", "modelspec.title"))])
    said = re.sub(r"[_\-.,]+", " ", said)
    if learnt := sorted({word.lower() for word in _LEARNT.findall(said)}):
        found.append(f"a word as it is used to learn one subject: {', '.join(learnt)}")
    if person := sorted({word.lower() for word in _PERSON.findall(said)}):
        found.append(f"people: {', '.join(person)}")
    return tuple(found)


def _kind(tensors: Mapping[str, Any]) -> Kind | None:
    if tensors and any("lora" in name for name in tensors):
        return None if any(map(_is_more, tensors)) else "lora"
    shapes = [tensor.get("shape") for tensor in tensors.values() if isinstance(tensor, dict)]
    one = len(shapes) == 1 and isinstance(shapes[0], list) and 1 <= len(shapes[0]) <= 2  # a row for each word
    return "textual-inversion" if one else None


def _is_more(name: str) -> bool:
    """A tensor that is no plain LoRA's: LoHa, LoKr, or a norm layer, which is put in the place of the model's own."""
    return "hada_" in name or "lokr_" in name or ("norm" in name and "lora" not in name)


def _folders(metadata: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """kohya's `ss_tag_frequency`: folder of pictures to tag to count; empty where it is something else."""
    try:
        said = json.loads(metadata.get("ss_tag_frequency") or "{}")
        return {
            str(folder): {str(tag)[:60].strip(): int(times) for tag, times in tags.items()}
            for folder, tags in said.items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}
