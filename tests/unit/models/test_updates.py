import hashlib
import os
from pathlib import Path

import pytest

from models import Card, installed, remove_others


def card(version: str = "2", data: bytes = b"two", kind: str = "hub") -> Card:
    source: dict[str, object] = {"kind": "hub", "repository": "owner/name", "revision": "a" * 40}
    if kind == "beside":
        source = {"kind": "beside"}
    return Card.model_validate(
        {
            "name": "far",
            "version": version,
            "task": "image-features",
            "licence": "MIT",
            "summary": "A file.",
            "source": source,
            "files": {"a.onnx": hashlib.sha256(data).hexdigest()},
        }
    )


def put(store: Path, version: str, data: bytes, age: int = 0) -> None:
    folder = store / "far" / version
    folder.mkdir(parents=True)
    (folder / "a.onnx").write_bytes(data)
    os.utime(folder, (1e9 - age, 1e9 - age))


def test_a_model_that_nobody_pulled_is_absent(tmp_path: Path) -> None:
    (found,) = installed([card()], tmp_path)
    assert (found.state, found.others, found.needs_pull) == ("absent", (), False)


def test_the_files_of_the_card_are_current(tmp_path: Path) -> None:
    put(tmp_path, "2", b"two")
    (found,) = installed([card()], tmp_path)
    assert (found.state, found.needs_pull) == ("current", False)


def test_another_version_alone_is_outdated(tmp_path: Path) -> None:
    put(tmp_path, "1", b"one")
    put(tmp_path, "0", b"nought", age=5)
    (tmp_path / "far" / ".partial").mkdir()
    (found,) = installed([card()], tmp_path)
    assert (found.state, found.others, found.needs_pull) == ("outdated", ("0", "1"), True)


@pytest.mark.parametrize("data", [b"other", None])
def test_files_that_are_not_the_cards_are_damaged(tmp_path: Path, data: bytes | None) -> None:
    put(tmp_path, "2", data or b"")
    if data is None:
        (tmp_path / "far" / "2" / "a.onnx").unlink()
    (found,) = installed([card()], tmp_path)
    assert (found.state, found.needs_pull) == ("damaged", True)


def test_what_is_not_downloaded_has_no_state(tmp_path: Path) -> None:
    assert installed([card(kind="beside")], tmp_path) == []


def test_other_versions_can_be_removed(tmp_path: Path) -> None:
    put(tmp_path, "1", b"one")
    put(tmp_path, "2", b"two")
    (found,) = installed([card()], tmp_path)
    remove_others(found, tmp_path)
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["2"]
