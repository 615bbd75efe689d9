from pathlib import Path

import numpy as np

from service.kit.shared_file import SharedFile


def test_what_one_writes_the_other_reads(tmp_path: Path) -> None:
    SharedFile.create(tmp_path / "numbers", np.int64, rows=2, width=3)
    first, second = (SharedFile(tmp_path / "numbers", np.int64, 3) for _ in range(2))
    first.array[1, 2] = 7
    assert second.array.tolist() == [[0, 0, 0], [0, 0, 7]]
    assert first.hash_of("a") == second.hash_of("a") != first.hash_of("b")


def test_each_file_has_a_key_of_its_own(tmp_path: Path) -> None:
    for name in "ab":
        SharedFile.create(tmp_path / name, np.int64, 1, 1)
    one, other = (SharedFile(tmp_path / name, np.int64, 1) for name in "ab")
    assert one.hash_of("address") != other.hash_of("address")
