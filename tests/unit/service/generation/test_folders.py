import hashlib
from pathlib import Path

import pytest

from service.generation.folders import file_digest, files_of, folder_digest
from service.kit.errors import Misconfigured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index.json", "unet/a.bin", "unet/.b", "vae/c.bin", ".cache/x"):
        path = tmp_path / "pipeline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "pipeline"


def names(folder: Path, *parts: str) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_of(folder, *parts)]


def test_what_is_hidden_beside_the_parts_does_not_count_and_inside_them_does(folder: Path) -> None:
    assert names(folder) == ["index.json", "unet/.b", "unet/a.bin", "vae/c.bin"]
    assert names(folder, "unet") == ["unet/.b", "unet/a.bin"]


def test_a_link_to_a_folder_is_refused_and_one_to_a_file_is_not(folder: Path, tmp_path: Path) -> None:
    (folder / "vae" / "d.bin").symlink_to(folder / "vae" / "c.bin")
    assert "vae/d.bin" in names(folder)
    (tmp_path / "elsewhere").mkdir()
    (folder / "vae" / "deep").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Misconfigured, match="deep"):
        files_of(folder)


def test_the_digest_covers_names_and_contents(folder: Path) -> None:
    before = folder_digest(folder)
    assert folder_digest(folder) == before != folder_digest(folder, "unet")
    (folder / ".cache" / "x").write_text("other")
    assert folder_digest(folder) == before
    (folder / "vae" / "c.bin").rename(folder / "vae" / "d.bin")
    renamed = folder_digest(folder)
    (folder / "vae" / "d.bin").write_text("other")
    assert len({before, renamed, folder_digest(folder)}) == 3


def test_a_files_digest_is_its_sha256(folder: Path) -> None:
    assert file_digest(folder / "index.json") == hashlib.sha256(b"index.json").hexdigest()
