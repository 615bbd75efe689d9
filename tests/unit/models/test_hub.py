"""The hub's real client, offline, on a folder that has the layout of its cache."""

import hashlib
from pathlib import Path

import huggingface_hub.constants
import pytest

from models import Card, DigestMismatch, ModelError, ModelMissing, hub, pull

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def card_for(weights: bytes) -> Card:
    return Card.model_validate(
        {
            "name": "commons",
            "version": "1",
            "task": "synthetic-detection",
            "licence": "MIT",
            "summary": "A file.",
            "source": {"kind": "hub", "repository": "somebody/commons", "revision": REVISION},
            "files": {"onnx/model.onnx": hashlib.sha256(weights).hexdigest()},
        }
    )


def put(cache: Path, weights: bytes) -> None:
    """What the client leaves behind of a download: a blob, and a link to it in the commit's snapshot."""
    repository = cache / "models--somebody--commons"
    blob, snapshot = repository / "blobs" / "1", repository / "snapshots" / REVISION / "onnx"
    blob.parent.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    blob.write_bytes(weights)
    (snapshot / "model.onnx").symlink_to(blob)


def test_the_files_are_checked_and_kept_without_the_cache(tmp_path: Path) -> None:
    store = tmp_path / "store"
    put(store / "commons" / ".partial", b"weights")
    kept = pull(card_for(b"weights"), store)
    assert kept.read("onnx/model.onnx") == b"weights"
    assert [p.name for p in store.rglob("*") if not p.is_dir()] == ["model.onnx"]
    assert not (kept.source.root() / "onnx/model.onnx").is_symlink()
    assert pull(card_for(b"weights"), store) == kept  # at once


def test_other_bytes_than_the_cards_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "commons" / ".partial", b"other")
    with pytest.raises(DigestMismatch, match=r"model\.onnx"):
        pull(card_for(b"weights"), tmp_path)
    with pytest.raises(ModelMissing, match="models pull commons"):
        card_for(b"weights").kept_in(tmp_path).read("onnx/model.onnx")


def test_a_hub_that_is_not_reached_is_an_error_with_the_clients_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="somebody/commons could not be downloaded"):
        pull(card_for(b"weights"), tmp_path)


def test_a_branch_is_no_revision() -> None:
    with pytest.raises(ValueError, match="revision"):
        Card.model_validate(
            {**card_for(b"").model_dump(), "source": {"kind": "hub", "repository": "a/b", "revision": "main"}}
        )


def test_without_the_client_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match="pip install"):
        hub.download("a/b", REVISION, ["x"], tmp_path)
