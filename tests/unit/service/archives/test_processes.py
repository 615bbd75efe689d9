import multiprocessing
from pathlib import Path

import pytest

from service.archives.engine import Finished
from service.archives.file_examiner import ExaminationOptions
from service.archives.processes import ProcessPool
from service.archives.shard import Listing, PendingShards, Shard
from service.installation import Installation
from service.kit.errors import LedgerMismatch, Unavailable
from service.kit.settings import Settings
from tests.support.archives import fill, mortal, shards_of
from tests.support.processes import CONTEXT

NAMES = ["a", "risky 1", "b", "c", "deadly", "risky 2", "deadly 2", "d"]


def run(pool: ProcessPool, shards: PendingShards, source: Path) -> tuple[list[Finished], int]:
    counted: list[int] = []
    return list(pool.run(shards, ExaminationOptions(str(source)), counted.append)), sum(counted)


def test_a_worker_that_dies_costs_no_row_and_a_file_that_kills_gets_its_own(tmp_path: Path, settings: Settings) -> None:
    finished, seen = run(ProcessPool(2, settings, CONTEXT, mortal), shards_of(tmp_path, *NAMES), tmp_path)
    rows = [row for each in sorted(finished, key=lambda each: each.shard.number) for row in each.rows]
    assert [row.number for row in rows] == list(range(len(NAMES)))
    assert [row.path for row in rows] == NAMES
    assert {row.path: row.error for row in rows if row.error} == {"deadly": "internal", "deadly 2": "internal"}
    assert "SIGKILL" in str(rows[4].message)
    assert seen == len(NAMES)


def test_shards_are_taken_when_workers_are_free(tmp_path: Path, settings: Settings) -> None:
    taken: list[int] = []

    class Counted(Listing):
        def shard(self, number: int) -> Shard:
            taken.append(number)
            return super().shard(number)

    shards_of(tmp_path, *map(str, range(30)))
    shards = PendingShards(Counted(tmp_path / "listing.jsonl", 3), range(10))
    running = ProcessPool(1, settings, CONTEXT, mortal).run(shards, ExaminationOptions(str(tmp_path)), lambda _: None)
    next(running)
    assert len(taken) <= 2
    running.close()
    assert multiprocessing.active_children() == []


def test_files_are_examined_by_an_installation_of_each_process(installation: Installation, tmp_path: Path) -> None:
    source = fill(tmp_path / "files", 5)
    settings = installation.settings.model_copy(update={"parser_processes": 0})
    finished, seen = run(
        ProcessPool(1, settings, CONTEXT), shards_of(tmp_path, *sorted(p.name for p in source.iterdir())), source
    )
    rows = [row for each in finished for row in each.rows]
    assert seen == len(rows) == 5
    assert {row.error for row in rows} == {"unsupported_format"}
    assert all(row.sha256 for row in rows)


def test_an_error_that_is_no_files_fault_stops_the_run(tmp_path: Path, installation: Installation) -> None:
    (installation.settings.home / "keys" / "ledger.json").write_text("{}")
    with pytest.raises(LedgerMismatch):
        run(ProcessPool(1, installation.settings, CONTEXT), shards_of(tmp_path, "a"), tmp_path)


def stillborn(*_: object) -> None:
    raise SystemExit(3)


def test_a_worker_that_cannot_start_stops_the_run(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(Unavailable, match="exit code 3"):
        run(ProcessPool(1, settings, CONTEXT, stillborn), shards_of(tmp_path, "a"), tmp_path)
