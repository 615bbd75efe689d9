"""A run over an archive that is killed, anywhere, goes on without a row that is double or missing."""

import signal
from pathlib import Path

import pytest

from service.archives import parquet
from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.row import Row
from service.archives.run_folder import RunFolder
from tests.support.archives import STEPS, Inline, Quiet, fill, start, start_processes
from tests.support.waiting import LONGEST, until

FILES = 20  # three shards

POINTS = [(f"{when} {name}", 1) for name in STEPS for when in ("before", "after")] + [
    ("before add", 3),
    ("before replace", 3),
    ("after replace", 3),
    ("after replace", 5),
    ("before unlink", 4),
]


def rows(out: Path) -> list[Row]:
    return [Row(**row) for batch in parquet.batches(out) for row in batch.to_pylist()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("archive") / "files", FILES)


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The table of a run that nothing stopped."""
    out = tmp_path_factory.mktemp("whole") / "r.parquet"
    examine_archive(ArchiveExamination(str(source), out), Inline(), Quiet())
    return rows(out)


@pytest.mark.parametrize(("point", "times"), POINTS)
def test_killed_at(point: str, times: int, source: Path, whole: list[Row], tmp_path: Path) -> None:
    out = tmp_path / "r.parquet"
    process = start(source, out, point, times)
    process.join(LONGEST)
    assert process.exitcode == -signal.SIGKILL, "the point was never reached"
    if out.exists():  # there is a table only if it is whole
        assert rows(out) == whole
    examine_archive(ArchiveExamination(str(source), out, resume=True), Inline(), Quiet())
    assert rows(out) == whole
    assert not RunFolder.beside(out).exists


def test_killed_again_and_again(source: Path, whole: list[Row], tmp_path: Path) -> None:
    """Every process gets one part further."""
    out = tmp_path / "r.parquet"
    for _ in range(3):
        start(source, out, "after add", 1).join(LONGEST)
    engine = Inline()
    examine_archive(ArchiveExamination(str(source), out, resume=True), engine, Quiet())
    assert engine.shards == []  # there was nothing left to examine
    assert rows(out) == whole


def test_killed_with_its_workers_at_work(tmp_path: Path) -> None:
    """They end, too: nobody would read what they find."""
    source, out = fill(tmp_path / "files", FILES), tmp_path / "r.parquet"
    (source / "endless").write_bytes(b"nothing")  # in the third shard
    process = start_processes(source, out)
    until((tmp_path / "worker").exists)
    until((RunFolder.beside(out).folder / "part-000001.parquet").exists)
    worker = Path("/proc", (tmp_path / "worker").read_text())
    assert worker.exists()
    process.kill()
    process.join(LONGEST)
    until(lambda: not worker.exists())
    engine = Inline()
    examine_archive(ArchiveExamination(str(source), out, resume=True), engine, Quiet())
    assert [shard.number for shard in engine.shards] == [2]
    assert [row.number for row in rows(out)] == list(range(FILES + 1))
