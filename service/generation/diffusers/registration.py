"""From a pipeline's folder to its card: what is checked before an operator relies on it."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import Card, ModelFault, ModelFolder
from models.cards import Folder
from service.generation.diffusers.families import INDEX, Index, part_class, pipeline_class, read_index, replaced, shards
from service.generation.diffusers.safety_checker import brings_checker
from service.generation.folders import file_digest, files_of
from service.kit.errors import Misconfigured

_DATA = frozenset({".safetensors", ".json", ".txt", ".model", ".md", ".jinja", ".png", ".jpg", ".jpeg", ".webp"})
_PLAIN_NAMES = frozenset({"LICENSE", "LICENCE", "NOTICE"})
_LARGEST_HEADER = 100_000_000  # bytes; safetensors' own limit


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that can be served: its pipeline's class, its parts with weights, and whether it brings a checker."""

    family: str
    parts: tuple[str, ...]
    checker: bool

    @property
    def summary(self) -> str:
        brings = "brings its safety checker" if self.checker else "brings no safety checker"
        return f"{self.family}: {', '.join(self.parts)}; {brings}."


def check_pipeline(folder: Path) -> Checked:
    """What a diffusers folder is, if all of it may be loaded: data alone, known classes, whole weight files.

    Whether every weight is there is known when it is loaded.

    Raises:
        Misconfigured: a file is code or a pickle, a class is not known, or weights are missing or cut off.
    """
    index = read_index(folder)
    given = replaced(pipeline_class(index))
    for path in files_of(folder):
        _check_file(folder, path)
    weighty = [name for name, named in index.parts.items() if name not in given and _has_weights(*named)]
    for name in weighty:
        _check_weights(index, name)
    return Checked(index.family, tuple(weighty), _checker(folder))


def pipeline_card(folder: Path, name: str, checked: Checked) -> Card:
    """The card of a folder that was checked, with the SHA-256 of every file; it stays where it is."""
    place = folder.resolve()
    return Card(
        name=name,
        version="1",
        task="text-to-image",
        licence=ModelFolder(folder, name).licence,
        summary=checked.summary,
        source=Folder(kind="folder", path=place),
        files={path.relative_to(folder).as_posix(): file_digest(path) for path in files_of(folder)},
    )


def strangers(card: Card, folder: Path) -> list[str]:
    """Files in a pipeline's folder that its card does not name: one alone can change what is loaded."""
    return [name for path in files_of(folder) if (name := path.relative_to(folder).as_posix()) not in card.files]


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: its tensors by name, and `__metadata__`.

    Raises:
        Misconfigured: it is no safetensors file, or its end is missing.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                raise ValueError("its header is too large")
            header: dict[str, Any] = json.loads(file.read(length))
        tensors = [value for name, value in header.items() if name != "__metadata__"]
        end = max((int(tensor["data_offsets"][1]) for tensor in tensors), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LookupError, struct.error) as bad:
        raise Misconfigured(f"{path} is no safetensors file", hint="Fetch it again.") from bad
    if path.stat().st_size != 8 + length + end:
        raise Misconfigured(f"{path} has not the size its header says", hint="Fetch it again.")
    return header


def _check_file(folder: Path, path: Path) -> None:
    if path.suffix not in _DATA and path.name not in _PLAIN_NAMES:
        raise Misconfigured(
            f"{path.relative_to(folder)} is none of the kinds of file that are loaded",
            hint="Pickles and code can run what they like: keep safetensors and JSON alone, and move the rest away.",
        )
    if path.suffix == ".safetensors":
        read_header(path)


def _has_weights(library: str, kind: str) -> bool:
    import torch  # noqa: PLC0415 - an extra

    return issubclass(part_class(library, kind), torch.nn.Module)


def _check_weights(index: Index, name: str) -> None:
    """The part has weights, and every shard that its table names."""
    part = index.folder / name
    if not any(part.glob("*.safetensors")):
        raise Misconfigured(f"{part} has no safetensors", hint=f"{INDEX} names it: fetch the folder again.")
    for table in part.glob("*.safetensors.index.json"):
        if gone := sorted(shards(table) - {path.name for path in part.iterdir()}):
            raise Misconfigured(f"{part} has no {gone[0]}", hint="Fetch the folder again.")


def _checker(folder: Path) -> bool:
    try:
        return brings_checker(folder)
    except ModelFault as unknown:
        raise Misconfigured(str(unknown)) from unknown
