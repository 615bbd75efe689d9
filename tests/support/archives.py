"""Archives of small files, engines that examine them in this process, and processes that are killed while they do."""

import contextlib
import io
import os
import signal
import tarfile
import zipfile
from collections.abc import Callable, Generator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from service.archives import run_folder
from service.archives.engine import Finished, Seen
from service.archives.entry import Entry
from service.archives.examine import ArchiveExamination, examine_archive
from service.archives.file_examiner import ExaminationOptions, FileExaminer
from service.archives.processes import ProcessPool
from service.archives.row import Row
from service.archives.shard import Listing, PendingShards, Shard
from service.archives.sources import open_source
from service.examiner.report import Report
from service.kit.errors import BrokenPicture, UnsupportedFormat
from service.kit.settings import Settings
from service.media.isolation.parsers import InProcess
from service.media.pictures import ImageLimits
from tests.support.credentials import read
from tests.support.evidence import Evidence
from tests.support.processes import CONTEXT

LIMITS = ImageLimits(1 << 20, 1 << 22)
NOTHING, VERIFIED = Evidence(read("absent")).report(), Evidence(read("trusted")).report()


class ByContent:
    """An examiner whose answer is in the file: `text` is none that it knows, `broken` is damaged."""

    def examine(self, data: bytes, name: str, *, classify: bool) -> Report:
        if data.startswith(b"broken"):
            raise BrokenPicture("it is not an image")
        if data.startswith(b"text"):
            raise UnsupportedFormat("the file is not an image in a supported format")
        if data.startswith(b"bug"):
            raise RuntimeError("a bug")
        report = VERIFIED if data.startswith(b"verified") else NOTHING
        return report.model_copy(update={"file": name})


class Inline:
    """An engine in this process."""

    workers = 1

    def __init__(self) -> None:
        self.shards: list[Shard] = []

    def run(self, shards: PendingShards, options: ExaminationOptions, seen: Seen) -> Generator[Finished]:
        files = by_content(options.source)
        for shard in shards:
            self.shards.append(shard)
            rows = [files.row(number, entry) for number, entry in enumerate(shard.entries, shard.first)]
            seen(len(rows))
            yield Finished(shard, tuple(rows))


class Quiet:
    """An observer that counts."""

    def __init__(self) -> None:
        self.files = self.done = 0

    def listing(self) -> None:
        self.files = 0

    def begun(self, files: int, done: int) -> None:
        self.files, self.done = files, done

    def seen(self, files: int) -> None:
        self.done += files


def by_content(source: str) -> FileExaminer:
    """Examines the files of a source by `ByContent`, in no time."""
    return FileExaminer(open_source(source), ByContent(), LIMITS, classify=False, clock=lambda: 0.0)  # type: ignore[arg-type]


def read_all(source: Any) -> dict[str, bytes | str]:
    """Each file of a source by its path: its bytes, or the code of its fault."""
    return {
        entry.path: entry.fault.code if entry.fault else source.read(entry, LIMITS.max_bytes, InProcess(), None)
        for entry in source.entries()
    }


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive. A name that ends with a slash is a folder."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def fill(folder: Path, files: int) -> Path:
    """A folder with so many files of every kind that `ByContent` knows."""
    folder.mkdir()
    for number in range(files):
        kind = ("nothing", "verified", "text", "broken")[number % 4]
        (folder / f"{number:04}.bin").write_bytes(kind.encode())
    return folder


STEPS: Mapping[str, tuple[Any, str]] = {
    "begin": (run_folder.RunFolder, "begin"),
    "list": (run_folder.RunFolder, "write_listing"),
    "add": (run_folder.RunFolder, "add"),
    "replace": (Path, "replace"),
    "merge": (run_folder.RunFolder, "merge"),
    "remove": (run_folder.RunFolder, "remove"),
    "unlink": (Path, "unlink"),
}
"""What is called on the way from the source to the table."""


def start(source: Path, out: Path, point: str, times: int) -> ForkServerProcess:
    """A run in a process of its own that kills itself (SIGKILL) before or after the call number `times` of a step."""
    process = CONTEXT.Process(target=_examine, args=(source, out, point, times))
    process.start()
    return process


def start_processes(source: Path, out: Path) -> ForkServerProcess:
    """A run with a process pool of its own, in a process. Its worker waits at a file called `endless`, and
    has written its id into the file `worker` beside the source."""
    process = CONTEXT.Process(target=_examine_by_processes, args=(source, out))
    process.start()
    return process


def _examine_by_processes(source: Path, out: Path) -> None:
    pool = ProcessPool(1, Settings(), CONTEXT, waiting)
    examine_archive(ArchiveExamination(str(source), out), pool, Quiet())


def waiting(connection: Connection, settings: Settings, options: ExaminationOptions) -> None:
    """A worker that examines by content, and waits at a file called `endless`."""
    files = by_content(options.source)
    connection.send("ready")
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while (shard := connection.recv()) is not None:
            for number, entry in enumerate(shard.entries, shard.first):
                if entry.path == "endless":
                    Path(options.source).with_name("worker").write_text(str(os.getpid()))
                    connection.recv()
                connection.send(files.row(number, entry))


def _examine(source: Path, out: Path, point: str, times: int) -> None:
    when, name = point.split()
    owner, method = STEPS[name]
    setattr(owner, method, _dying(getattr(owner, method), when, times))
    examine_archive(ArchiveExamination(str(source), out, resume=True), Inline(), Quiet())


def _dying(function: Callable[..., object], when: str, times: int) -> Callable[..., object]:
    calls = 0

    def call(*args: Any, **more: Any) -> object:
        nonlocal calls
        calls += 1
        if calls == times and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **more)
        if calls == times and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def mortal(connection: Connection, settings: Settings, options: ExaminationOptions) -> None:
    """A worker that some files kill: `deadly` ones always, `risky` ones the first time."""
    connection.send("ready")
    while (shard := connection.recv()) is not None:
        for number, entry in enumerate(shard.entries, shard.first):
            scar = Path(options.source, f"{entry.path}.scar")
            if "deadly" in entry.path or ("risky" in entry.path and not scar.exists()):
                scar.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            connection.send(Row(number=number, path=entry.path))


def shards_of(folder: Path, *names: str, size: int = 3) -> PendingShards:
    """Files by their names, in shards of a listing that is written into a folder."""
    listing = folder / "listing.jsonl"
    listing.write_text("".join(Entry(name).to_line() + "\n" for name in names), encoding="ascii")
    found = Listing(listing, size)
    return PendingShards(found, range(len(found)))
