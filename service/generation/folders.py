"""What a folder of model files is: its files, and one digest over all of them."""

import hashlib
from pathlib import Path


def files_of(folder: Path, *parts: str) -> list[Path]:
    """Every file of `parts` (subfolders), or of all but hidden folders and files, such as a hub client's cache."""
    roots = [folder / part for part in parts] or [folder]
    found = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path, *parts: str) -> str:
    """SHA-256 (hex) over the sorted relative paths and digests of every file, of `parts` (subfolders) or of all."""
    total = hashlib.sha256()
    for path in files_of(folder, *parts):
        total.update(f"{path.relative_to(folder).as_posix()} {file_digest(path)}\n".encode())
    return total.hexdigest()
