"""The same archive on a Ray cluster of two workers, one of which is killed: the same rows as by processes."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.archives import parquet
from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.processes import ProcessPool
from service.archives.row import Row
from service.installation import Installation
from tests.support.archives import Quiet, fill
from tests.support.processes import CONTEXT

FILES = 40  # five shards
_MEMORY, _SHARED = 2 << 30, 256 << 20


def missing() -> str:
    """Why Ray is not tested here; empty where it is."""
    if importlib.util.find_spec("ray") is None:
        return "Ray is not installed (pip install -e '.[ray]')"
    memory = Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()
    if int(memory[0]) << 10 < _MEMORY or shutil.disk_usage("/dev/shm").free < _SHARED:
        return "Ray does not fit: it needs 2 GiB of memory and 256 MiB of /dev/shm"
    return ""


def rows(out: Path) -> list[Row]:
    return [Row(**row | {"seconds": 0.0}) for batch in parquet.batches(out) for row in batch.to_pylist()]


class Killing(Quiet):
    """Kills one of the actors as soon as there is a shard."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: list[int] = []

    def seen(self, files: int) -> None:
        super().seen(files)
        if not self.killed:
            self.killed = list(actors())[:1]
            for process in self.killed:
                os.kill(process, signal.SIGKILL)


def actors() -> Iterator[int]:
    """Processes of Ray's that examine, among the descendants of this one."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            process = int(status.parent.name)
            if b"ShardExaminer" in status.read_bytes() and os.getpid() in ancestors(process):
                yield process
        except OSError:
            continue


def ancestors(process: int) -> Iterator[int]:
    while process > 1:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        yield process


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
@pytest.mark.filterwarnings("default")
def test_ray_gives_the_same_rows_and_survives_a_death(installation: Installation, tmp_path: Path) -> None:
    if why := missing():
        pytest.skip(f"NOT TESTED: archives on Ray. {why}")
    from service.archives.ray_data import RayData

    source = fill(tmp_path / "files", FILES)
    by_processes = ArchiveExamination(str(source), tmp_path / "p.parquet", classify=False)
    settings = installation.settings.model_copy(update={"parser_processes": 0})
    examine_archive(by_processes, ProcessPool(1, settings, CONTEXT), Quiet())
    by_ray, observer = ArchiveExamination(str(source), tmp_path / "r.parquet", classify=False), Killing()
    examine_archive(by_ray, RayData(2), observer)
    assert observer.killed
    assert observer.done == FILES
    assert rows(by_ray.out) == rows(by_processes.out)
