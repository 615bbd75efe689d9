"""Archives: what the pool adds to the work itself, memory over many files, and what 10^8 files would take.

    python benchmarks/archive.py                              # 2,000 images of 128 px, two runs of each kind
    python benchmarks/archive.py --files 100000 --texts       # files that are no images: the pool alone
    python benchmarks/archive.py --classify --size 512 --files 200

Images are made here. `bare` is one process that examines files one after the other, without the pool; the work of all
workers can be that times their number, and no more. Both are timed in turns, since other programs share the machine;
processor time, which they disturb less, is given too. Starting is not counted. Memory is the resident set, taken at
each twentieth of a run.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, whose modules workers would import

import numpy as np
from PIL import Image

from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.file_examiner import ExaminationOptions, ExaminingProcess
from service.archives.processes import ProcessPool
from service.archives.sources import open_source
from service.installation import open_installation
from service.kit.settings import Settings

_FOLDER = 1000  # files in each folder
_WARM = 3  # files before a bare run is timed
_TICKS = os.sysconf("SC_CLK_TCK")
_MANY, _DAY = 10**8, 86_400


@dataclass
class Watch:
    """Observes a run: its speed from the first file on, and how large its processes get."""

    files: int = 0
    done: int = 0
    rate: float = 0.0
    processor: float = 0.0
    listed: float = 0.0
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def listing(self) -> None:
        self.began = time.perf_counter()

    def begun(self, files: int, done: int) -> None:
        self.files, self.listed = files, time.perf_counter() - self.began

    def seen(self, files: int) -> None:
        before, self.done = self.done, self.done + files
        if not before:
            self.began, self.used = time.perf_counter(), processor_seconds()
        if 20 * self.done // self.files > 20 * before // self.files:
            workers = [resident(process) for process in family() if process != os.getpid()]
            self.sizes.append((resident(os.getpid()), max(workers, default=0)))
        if self.done == self.files:
            self.rate = (self.done - 1) / (time.perf_counter() - self.began)
            self.processor = (processor_seconds() - self.used) / (self.done - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000, help="files of the archive (default 2,000)")
    parser.add_argument("--size", type=int, default=128, help="pixels of an image's side (default 128)")
    parser.add_argument("--texts", action="store_true", help="files that are no images, which cost no examination")
    parser.add_argument("--classify", action="store_true", help="ask the classifiers, too")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="(default: one for each core)")
    parser.add_argument("--bare", type=int, default=100, help="files of a bare run (default 100)")
    parser.add_argument("--runs", type=int, default=2, help="runs of each kind, in turns (default 2)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch, "files"), Path(scratch, "report.parquet")
        make(source, asked.files, None if asked.texts else asked.size)
        settings = Settings(home=Path(scratch, "home"))
        open_installation(settings).close()
        bares: list[tuple[float, float]] = []
        watches: list[Watch] = []
        for _ in range(asked.runs):
            bares.append(bare(source, settings, min(asked.bare, asked.files - _WARM), classify=asked.classify))
            watches.append(Watch())
            wanted = ArchiveExamination(str(source), out, force=True, classify=asked.classify)
            examine_archive(wanted, ProcessPool(asked.workers, settings), watches[-1])
        for line in report(asked.workers, bares, watches, out.stat().st_size):
            print(line, flush=True)


def make(folder: Path, files: int, size: int | None) -> None:
    """JPEGs of smooth noise with sides of `size` pixels; or texts."""
    rng = np.random.default_rng(0)
    for number in range(files):
        path = folder / f"{number // _FOLDER:05}" / f"{number:08}.jpg"
        if number % _FOLDER == 0:
            path.parent.mkdir(parents=True)
        if size is None:
            path.write_bytes(b"no image %d" % number)
            continue
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(path, quality=90)


def bare(source: Path, settings: Settings, files: int, *, classify: bool) -> tuple[float, float]:
    """Files a second of one process without the pool, and seconds of processor time for a file."""
    entries = islice(open_source(str(source)).entries(), files + _WARM)
    with ExaminingProcess(settings, ExaminationOptions(str(source), classify)) as process:
        for entry in islice(entries, _WARM):  # models are loaded, and a parser is started
            process.files.row(0, entry)
        began, used = time.perf_counter(), processor_seconds()
        for number, entry in enumerate(entries):
            process.files.row(number, entry)
        return files / (time.perf_counter() - began), (processor_seconds() - used) / files


def report(workers: int, bares: list[tuple[float, float]], watches: list[Watch], table: int) -> Iterator[str]:
    """What was measured, and what it means for 10^8 files."""
    rate, used = (statistics.median(values) for values in zip(*bares, strict=True))
    pooled = statistics.median(watch.rate for watch in watches)
    processor = statistics.median(watch.processor for watch in watches)
    last = watches[-1]
    yield f"{last.files:,} files, {workers} workers, {os.cpu_count()} cores"
    yield f"bare: {rate:.1f} files a second, {1000 * used:.1f} ms of processor time a file"
    yield f"pool: {pooled:.1f} files a second, {1000 * processor:.1f} ms of processor time a file"
    yield f"efficiency: {pooled / rate / workers:.2f} by time, {used / processor:.2f} by processor time"
    yield f"listing: {1e6 * last.listed / last.files:.0f} us a file; table: {table / last.files:.0f} bytes a file"
    for name, place in (("command", 0), ("largest worker or parser", 1)):
        sizes = [size[place] for size in last.sizes]
        third = max(1, len(sizes) // 3)
        early, late = max(sizes[:third]), max(sizes[-third:])
        yield f"memory of the {name}: {early >> 20} MiB in the first third, {late >> 20} MiB in the last"
    each = _MANY / last.files
    yield f"10^8 files: listed in {each * last.listed / 3600:.1f} h, a table of {each * table / 1e9:.1f} GB"
    yield f"examined in a day by {_MANY * processor / _DAY:,.0f} cores"


def family() -> list[int]:
    """This process and those that it started, with theirs."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [os.getpid()]
    for process in found:  # which grows meanwhile
        found += [child for child, parent in parents.items() if parent == process]
    return found


def processor_seconds() -> float:
    """Processor time of this process and of all that it started, alive or not."""
    total = 0
    for process in family():
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))  # of its own, and of its children that have ended
    return total / _TICKS


def resident(process: int) -> int:
    """Bytes of memory that a process holds; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    main()
