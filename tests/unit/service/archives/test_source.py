from pathlib import Path

from service.archives.local_files import LocalFiles
from service.archives.source import Folder
from tests.support.archives import read_all


def test_a_folders_files_are_read_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_all(Folder(LocalFiles(str(tmp_path)))) == {"a": b"12345"}
