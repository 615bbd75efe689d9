"""The files of a model folder, and one digest over all of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from service.kit.errors import Misconfigured


def files_of(folder: Path, *parts: str) -> list[Path]:
    """Every file below `parts` (subfolders), or below `folder` except hidden top-level entries such as hub caches.

    Hidden files inside a part count: a shard index can name them.

    Raises:
        Misconfigured: a subfolder is a symbolic link; files behind it could change unnoticed.
    """
    found = sorted(path for path in _below(folder, parts) if not _hidden(path.relative_to(folder)))
    if link := next((path for path in found if path.is_symlink() and path.is_dir()), None):
        raise Misconfigured(f"{link} is a link to a folder", hint="Put the folder itself there; links to files work.")
    return [path for path in found if path.is_file()]


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path, *parts: str) -> str:
    """SHA-256 (hex) over the sorted relative paths and digests of the files that `files_of` lists.

    Raises Misconfigured as `files_of`.
    """
    total = hashlib.sha256()
    for path in files_of(folder, *parts):
        total.update(f"{path.relative_to(folder).as_posix()} {file_digest(path)}\n".encode())
    return total.hexdigest()


def _below(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    for root in [folder / part for part in parts]:
        yield root
        yield from root.rglob("*")
    if not parts:
        yield from folder.rglob("*")


def _hidden(path: Path) -> bool:
    """`path` is relative to the pipeline's folder."""
    return path.parts[0].startswith(".")
