"""What a folder of model files is: one digest over all of it."""

import hashlib
from pathlib import Path


def folder_digest(folder: Path, *parts: str) -> str:
    """SHA-256 (hex) over the sorted relative paths and digests of every file, of `parts` (subfolders) or of all."""
    total = hashlib.sha256()
    roots = [folder / part for part in parts] or [folder]
    for path in sorted(p for root in roots for p in root.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()} {digest}\n".encode())
    return total.hexdigest()
