"""From a pipeline's folder to its card, with the checks that come before."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import Card, ModelFault, ModelFolder
from models.cards import Folder
from service.generation.diffusers.safety_checker import brings_checker
from service.generation.diffusers.supported_pipelines import (
    INDEX,
    Index,
    disabled_components,
    part_class,
    pipeline_class,
    read_index,
    shards,
)
from service.generation.folders import file_digest, files_of
from service.kit.errors import Misconfigured

_DATA = frozenset({".safetensors", ".json", ".txt", ".model", ".md", ".jinja", ".png", ".jpg", ".jpeg", ".webp"})
_PLAIN_NAMES = frozenset({"LICENSE", "LICENCE", "NOTICE"})
_MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library


@dataclass(frozen=True, slots=True)
class CheckedPipeline:
    """A supported pipeline folder: its class, its parts with weights, and whether it includes a safety checker."""

    family: str
    parts: tuple[str, ...]
    checker: bool

    @property
    def summary(self) -> str:
        checker = "includes a safety checker" if self.checker else "no safety checker"
        return f"{self.family}: {', '.join(self.parts)}; {checker}."


def check_pipeline(folder: Path) -> CheckedPipeline:
    """Check that all of a diffusers folder may be loaded: data only, known classes, complete weight files.

    Whether every single weight is present is only known when it is loaded.

    Raises:
        Misconfigured: a file is code or a pickle, a class is unknown, or weight files are missing or truncated.
    """
    index = read_index(folder)
    disabled = disabled_components(pipeline_class(index))
    for path in files_of(folder):
        _check_file(folder, path)
    weighted = [name for name, named in index.parts.items() if name not in disabled and _has_weights(*named)]
    for name in weighted:
        _check_weights(index, name)
    return CheckedPipeline(index.family, tuple(weighted), _checker(folder))


def pipeline_card(folder: Path, name: str, checked: CheckedPipeline) -> Card:
    """The card of a checked folder, with the SHA-256 of every file. The folder stays where it is."""
    return Card(
        name=name,
        version="1",
        task="text-to-image",
        licence=ModelFolder(folder, name).licence,
        summary=checked.summary,
        source=Folder(kind="folder", path=folder.resolve()),
        files={path.relative_to(folder).as_posix(): file_digest(path) for path in files_of(folder)},
    )


def unlisted_files(card: Card, folder: Path) -> list[str]:
    """Files in a pipeline's folder that are not on its card; a single one can change what is loaded."""
    return [name for path in files_of(folder) if (name := path.relative_to(folder).as_posix()) not in card.files]


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: its tensors by name, and `__metadata__`.

    Raises:
        Misconfigured: not a safetensors file, or truncated.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                raise ValueError("the header is too large")
            header: dict[str, Any] = json.loads(file.read(length))
        tensors = [value for name, value in header.items() if name != "__metadata__"]
        end = max((int(tensor["data_offsets"][1]) for tensor in tensors), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LookupError, struct.error) as bad:
        raise Misconfigured(f"{path} is not a safetensors file", hint="Download it again.") from bad
    if path.stat().st_size != 8 + length + end:
        raise Misconfigured(f"{path} does not have the size its header gives", hint="Download it again.")
    return header


def _check_file(folder: Path, path: Path) -> None:
    if path.suffix not in _DATA and path.name not in _PLAIN_NAMES:
        raise Misconfigured(
            f"{path.relative_to(folder)} is not a supported kind of file",
            hint="Pickles and code can run anything. Keep only safetensors and JSON, and move the rest elsewhere.",
        )
    if path.suffix == ".safetensors":
        read_header(path)


def _has_weights(library: str, kind: str) -> bool:
    import torch  # noqa: PLC0415 - an extra

    return issubclass(part_class(library, kind), torch.nn.Module)


def _check_weights(index: Index, name: str) -> None:
    """Check that the part has weights, and every shard in its index."""
    part = index.folder / name
    if not any(part.glob("*.safetensors")):
        raise Misconfigured(f"{part} has no safetensors", hint=f"{INDEX} names it. Download the folder again.")
    for index_file in part.glob("*.safetensors.index.json"):
        if missing := sorted(shards(index_file) - {path.name for path in part.iterdir()}):
            raise Misconfigured(f"{part} has no {missing[0]}", hint="Download the folder again.")


def _checker(folder: Path) -> bool:
    try:
        return brings_checker(folder)
    except ModelFault as unknown:
        raise Misconfigured(str(unknown)) from unknown
