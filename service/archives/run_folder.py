"""What a run has done so far, in the folder OUT.parts: the listing, and a part of the table for each finished shard.

    begun                there until the table has been written
    run.json             what is examined, and how; written once the listing is complete
    listing.jsonl        every file, one a line, in the order in which the source gave them
    part-000000.parquet  the rows of a shard: it is there whole or not at all
    lock                 held by the process that works on it

A run that was stopped, however, goes on from there: shards with a part are done, all others are examined. Files and
shards are those of the listing, so that a source that changes meanwhile makes no row double and none missing.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from service import __version__
from service.archives import parquet
from service.archives.entry import Entry
from service.archives.row import Row
from service.archives.shard import Listing, PendingShards, Shard
from service.kit.errors import BadRequest

_BEGUN, _RUN, _LISTING, _LOCK = "begun", "run.json", "listing.jsonl", "lock"
_PART = re.compile(r"part-(\d{6,})\.parquet")
_ANEW = "Add --force to examine everything again."


@dataclass(frozen=True, slots=True)
class Plan:
    """What is examined, and how. `limit`: files at most. `version`: of the product; its judgements may change."""

    source: str
    classify: bool
    limit: int | None
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Run:
    """A plan with its listing: `files` in all, in shards of `shard_size`."""

    plan: Plan
    files: int
    shard_size: int

    @property
    def facts(self) -> dict[str, str]:
        """What the table says about its run."""
        return {name: json.dumps(value) for name, value in asdict(self.plan).items()} | {
            "files": json.dumps(self.files)
        }

    @classmethod
    def of_facts(cls, facts: dict[str, str]) -> Self:
        """The run of a table. Raises BadRequest if it does not say."""
        try:
            found = {name: json.loads(value) for name, value in facts.items()}
            return cls(Plan(**{name: found[name] for name in Plan.__dataclass_fields__}), found["files"], 0)
        except (KeyError, TypeError, ValueError) as missing:
            raise BadRequest("the table does not say what it was made of", hint=_ANEW) from missing


class RunFolder:
    """The folder of one run. Only this process writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = -1

    @classmethod
    def beside(cls, out: Path) -> Self:
        """The folder of the run that makes the table `out`."""
        return cls(out.with_name(f"{out.name}.parts"))

    @property
    def exists(self) -> bool:
        return self.folder.exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if need be, and hold it. Raises BadRequest if another process works on it."""
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as denied:
            raise BadRequest(
                f"{self.folder} cannot be written: {denied.strerror}", hint="Choose another --out."
            ) from denied
        try:
            _hold(self._lock, self.folder)
            yield
        finally:
            os.close(self._lock)

    @property
    def begun(self) -> bool:
        """A run was begun here whose table has not been written."""
        return (self.folder / _BEGUN).exists()

    def run(self) -> Run | None:
        """The run that was begun here; None if its listing is not complete. Raises BadRequest where it is damaged."""
        try:
            found = json.loads((self.folder / _RUN).read_text(encoding="utf-8"))
            return Run(Plan(**found.pop("plan")), **found)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as damaged:
            raise BadRequest(f"{self.folder / _RUN} is damaged or of another version", hint=_ANEW) from damaged

    def begin(self) -> None:
        """Begin a run: forget what is here."""
        self._empty()
        (self.folder / _BEGUN).touch()

    def write_listing(self, entries: Iterable[Entry], plan: Plan, workers: int) -> Run:
        """List everything. Raises as the iterator does; nothing is examined before the listing is complete."""
        files = 0
        with (self.folder / _LISTING).open("w", encoding="ascii") as listing:
            for entry in islice(entries, plan.limit):
                listing.write(entry.to_line() + "\n")
                files += 1
            _to_disk(listing.fileno(), listing.flush)
        run = Run(plan, files, shard_size(files, workers))
        temporary = self.folder / f".{_RUN}.writing"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(run), file)
            _to_disk(file.fileno(), file.flush)
        temporary.replace(self.folder / _RUN)
        return run

    def pending(self, run: Run, finished: Collection[int]) -> PendingShards:
        """The shards that are not finished, in order."""
        listing = Listing(self.folder / _LISTING, run.shard_size)
        return PendingShards(listing, [number for number in range(shard_count(run)) if number not in finished])

    def finished(self, run: Run) -> frozenset[int]:
        """Numbers of the shards that are done. A part that cannot be read whole does not count."""
        found = {int(match[1]): path for path in self.folder.iterdir() if (match := _PART.fullmatch(path.name))}
        return frozenset(number for number, path in found.items() if parquet.rows_in(path) == rows_of(run, number))

    def add(self, run: Run, shard: Shard, rows: Sequence[Row]) -> None:
        """Keep the rows of a shard for good."""
        parquet.write_part(self._part(shard.number), rows, run.facts)

    def merge(self, run: Run, out: Path) -> None:
        """Write the table from all parts, which must be there."""
        parquet.merge((self._part(number) for number in range(shard_count(run))), out, run.facts)

    def remove(self) -> None:
        """The table has been written. If this is stopped, no run that looks unfinished is left."""
        (self.folder / _BEGUN).unlink(missing_ok=True)
        self._empty()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                path.unlink()

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.parquet"


def shard_size(files: int, workers: int) -> int:
    """Files in a shard: so few that a stop costs little and every worker has work; so many that parts stay few."""
    return max(8, min(1024, files // (32 * workers)))


def shard_count(run: Run) -> int:
    return -(-run.files // run.shard_size)


def rows_of(run: Run, number: int) -> int:
    """How many files a shard has; 0 for one that there is not."""
    return max(0, min(run.shard_size, run.files - number * run.shard_size))


def _to_disk(descriptor: int, flush: Callable[[], object]) -> None:
    flush()
    os.fsync(descriptor)


def _hold(lock: int, folder: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        raise BadRequest(f"another process works on {folder}", hint="Wait until it has ended.") from held
