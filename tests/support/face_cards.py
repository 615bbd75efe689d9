"""A card with both halves of a face model: the detector of `yunets` and the embedder of `embedders`."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.support.embedders import write_embedder
from tests.support.yunets import write_yunet


def write_faces(
    folder: Path,
    name: str = "both",
    detector: Mapping[str, object] | None = None,
    embedder: Mapping[str, object] | None = None,
) -> Path:
    """Writes both files and their card into `folder`, which is created. Returns the card.

    `detector`, `embedder`: options that differ from the ones that their own cards have.
    """
    parts = {"detector": (write_yunet(folder), detector), "embedder": (write_embedder(folder), embedder)}
    files: dict[str, str] = {}
    options: dict[str, dict[str, object]] = {}
    for part, (path, changes) in parts.items():
        card = json.loads(path.read_text())
        path.unlink()
        files |= card["files"]
        options[part] = {"file": next(iter(card["files"])), **card["options"], **(changes or {})}
    both = {
        "name": name,
        "version": "1",
        "task": "face-recognition",
        "licence": "MIT",
        "summary": "Takes red for faces, and goes by colours.",
        "source": {"kind": "beside"},
        "files": files,
        "options": options,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(both))
    return path
