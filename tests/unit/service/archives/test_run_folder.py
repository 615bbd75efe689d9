from pathlib import Path

import pytest

from service.archives.entry import Entry
from service.archives.row import Row
from service.archives.run_folder import Plan, Run, RunFolder, rows_of, shard_count, shard_size
from service.kit.errors import BadRequest

ENTRIES = [Entry(f"{number}", number) for number in range(20)]
PLAN = Plan("somewhere", True, None)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.beside(tmp_path / "r.parquet")


def rows(first: int, count: int) -> list[Row]:
    return [Row(number=number, path=str(number)) for number in range(first, first + count)]


def test_a_listing_is_read_in_shards(folder: RunFolder) -> None:
    with folder.locked():
        folder.begin()
        run = folder.write_listing(iter(ENTRIES), PLAN, workers=1)
        assert (run.files, run.shard_size, shard_count(run)) == (20, 8, 3)
        shards = list(folder.pending(run, ()))
        assert [shard.first for shard in shards] == [0, 8, 16]
        assert [entry for shard in shards for entry in shard.entries] == ENTRIES
        assert folder.run() == run
        assert [shard.number for shard in folder.pending(run, {1})] == [0, 2]
        limited = folder.write_listing(iter(ENTRIES), Plan("somewhere", True, 3), workers=1)
        assert limited.files == 3
        assert [len(shard.entries) for shard in folder.pending(limited, ())] == [3]


def test_only_whole_parts_count(folder: RunFolder) -> None:
    with folder.locked():
        folder.begin()
        run = folder.write_listing(iter(ENTRIES), PLAN, workers=1)
        first, second, third = folder.pending(run, ())
        folder.add(run, first, rows(0, 8))
        folder.add(run, third, rows(16, 4))
        assert folder.finished(run) == {0, 2}
        folder.add(run, second, rows(8, 7))  # a row too few
        assert folder.finished(run) == {0, 2}
        (folder.folder / "part-000000.parquet").write_bytes(b"damaged")
        (folder.folder / ".part-000001.parquet.writing").write_bytes(b"unfinished")
        assert folder.finished(run) == {2}


def test_only_one_process_works_on_it(folder: RunFolder) -> None:
    with folder.locked(), pytest.raises(BadRequest, match="another process"), RunFolder(folder.folder).locked():
        pass
    with RunFolder(folder.folder).locked():
        pass
    with pytest.raises(BadRequest, match="cannot be written"), RunFolder(folder.folder / "lock" / "x").locked():
        pass


def test_a_run_begins_and_ends(folder: RunFolder) -> None:
    assert not folder.exists
    with folder.locked():
        assert not folder.begun
        folder.begin()
        assert folder.begun
        assert folder.run() is None
        folder.write_listing(iter(ENTRIES), PLAN, workers=1)
        folder.begin()
        assert folder.run() is None
        (folder.folder / "run.json").write_text('{"plan": 5}')
        with pytest.raises(BadRequest, match="damaged"):
            folder.run()
        folder.remove()
    assert not folder.exists


def test_a_table_says_of_which_run_it_is() -> None:
    run = Run(PLAN, 20, 8)
    assert Run.of_facts(run.facts).plan == PLAN
    with pytest.raises(BadRequest):
        Run.of_facts({})


def test_shards_are_neither_too_small_nor_too_many() -> None:
    assert shard_size(10, 2) == 8
    assert shard_size(64_000, 4) == 500
    assert shard_size(10**8, 1000) == 1024
    assert [rows_of(Run(PLAN, 20, 8), number) for number in range(4)] == [8, 8, 4, 0]
