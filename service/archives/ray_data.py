"""Archives on a Ray cluster: shards flow through Ray Data into actors, each with an open installation.

Actors ask one feeder, beside the driver, for the files of a shard: the listing is a file there, and only numbers travel
with the data. When an actor dies, Ray starts another and gives it the same shard. The feeder sees that, and from the
second time on it is told of each file before it is examined. So it knows which file an actor died on, and that file
gets its row.
"""

import contextlib
import importlib
import json
import logging
import os
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from service.archives.engine import Finished, Seen, Stopped
from service.archives.entry import Entry, Fault
from service.archives.file_examiner import ExaminationOptions, ExaminingProcess
from service.archives.row import Row
from service.archives.shard import PendingShards, Shard
from service.kit import logs
from service.kit.errors import Error, Unavailable
from service.kit.settings import load_settings

_OBJECT_STORE = 128 << 20  # bytes on a cluster of our own: what travels is small
_TRIES = 2  # actors that a file may cost, once it is watched
_INSTALL = "pip install 'countermark[ray]'"


class RayData:
    """`workers` actors with one core each. Uses the cluster that RAY_ADDRESS names, or starts one on this machine.

    Every machine of the cluster needs Countermark with the same settings, the home folder, and the source.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, shards: PendingShards, options: ExaminationOptions, seen: Seen) -> Generator[Finished]:
        """As `Engine.run`."""
        if not len(shards):
            return
        with _connected(self.workers) as ray:
            feeder = _beside_driver(ray, shards)
            numbers = ray.data.range(len(shards), override_num_blocks=len(shards))
            examined = numbers.map_batches(
                ShardExaminer,
                fn_constructor_args=(feeder, options),
                batch_size=1,
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(size=min(self.workers, len(shards))),
            )
            for answer in examined.iter_rows():
                if answer["stopped"]:
                    raise Stopped(**json.loads(answer["stopped"])).error()
                shard = shards.at(int(answer["index"]))
                seen(len(shard.entries))
                yield Finished(shard, tuple(Row(**row) for row in json.loads(answer["rows"])))


@dataclass(frozen=True, slots=True)
class Assignment:
    """A shard to examine. `tell`: say which file is next. `fatal`: numbers of files that are left alone."""

    shard: Shard
    tell: bool
    fatal: frozenset[int]


class Feeder:
    """Gives shards to actors, and remembers what became of those that were given twice."""

    def __init__(self, shards: PendingShards) -> None:
        self._shards = shards
        self._given: Counter[int] = Counter()
        self._at: dict[int, int] = {}
        self._deaths: Counter[int] = Counter()

    def take(self, index: int) -> Assignment:
        """The shard at `index`. If it was given before, whoever had it has died."""
        self._given[index] += 1
        if (number := self._at.pop(index, None)) is not None:
            self._deaths[number] += 1
        fatal = frozenset(number for number, deaths in self._deaths.items() if deaths >= _TRIES)
        return Assignment(self._shards.at(index), self._given[index] > 1, fatal)

    def tell(self, index: int, number: int) -> None:
        """The file with this number is next in that shard."""
        self._at[index] = number

    def done(self, index: int) -> None:
        """The shard has been examined whole."""
        self._at.pop(index, None)


class ShardExaminer:
    """An actor: one open installation, one shard after the other."""

    def __init__(self, feeder: Any, options: ExaminationOptions) -> None:
        self._feeder = feeder
        self._options = options
        self._process: ExaminingProcess | None = None
        self._get = importlib.import_module("ray").get
        logs.configure("error")

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[object]]:
        """The rows of one shard as JSON; or an error that is no file's fault."""
        index = int(batch["id"][0])
        try:
            rows = [row.model_dump(mode="json") for row in self._rows(index)]
        except Error as error:
            return {"index": [index], "rows": [""], "stopped": [json.dumps(asdict(Stopped.by(error)))]}
        return {"index": [index], "rows": [json.dumps(rows)], "stopped": [""]}

    def _rows(self, index: int) -> Iterator[Row]:
        if self._process is None:  # not at first: what is wrong with it would be hidden in an error of Ray's
            self._process = ExaminingProcess(load_settings(), self._options)
        work: Assignment = self._get(self._feeder.take.remote(index))
        for number, entry in enumerate(work.shard.entries, work.shard.first):
            if number in work.fatal:
                yield _fatal(number, entry)
                continue
            if work.tell:
                self._get(self._feeder.tell.remote(index, number))
            yield self._process.files.row(number, entry)
        if work.tell:
            self._get(self._feeder.done.remote(index))


def _fatal(number: int, entry: Entry) -> Row:
    fault = Fault(Error.code, "the process that examined the file ended each time")
    return Row.of_fault(number, entry, fault)


@contextlib.contextmanager
def _connected(workers: int) -> Iterator[ModuleType]:
    """Ray, connected to a cluster; one that is started here ends with the block. Raises Unavailable without one."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody without being asked for
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as missing:
        raise Unavailable(f"Ray is not installed ({missing})", hint=_INSTALL) from missing
    own = not os.environ.get("RAY_ADDRESS")
    begun = not ray.is_initialized()
    size = {"num_cpus": workers + 1, "object_store_memory": _OBJECT_STORE} if own else {}  # one for the numbers
    try:
        if begun:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR", **size)
    except (ConnectionError, OSError, RuntimeError, ValueError) as failed:
        raise Unavailable(
            f"no Ray cluster can be reached or started: {failed}", hint="See docs/archives.md."
        ) from failed
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # ours tells more
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # a shard of large images may take long
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray
    finally:
        if begun:
            ray.shutdown()


def _beside_driver(ray: ModuleType, shards: PendingShards) -> Any:
    """The feeder, on the driver's machine."""
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    here = strategies.NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Feeder).options(num_cpus=0, scheduling_strategy=here).remote(shards)
