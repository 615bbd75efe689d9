"""Archives on one machine: worker processes with an open installation each, which examine shard after shard.

The pool is our own because those at hand (`concurrent.futures`, multiprocessing's) break as a whole when a worker dies,
and do not tell which file it was examining. Here every row is sent as soon as it is there. A worker that dies is
replaced, and the next one goes on with the file that it died on; if that one dies on it, too, the file gets a row that
says so.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Literal

from service.archives.engine import Finished, Seen, Stopped
from service.archives.entry import Fault
from service.archives.file_examiner import ExaminationOptions, ExaminingProcess
from service.archives.row import Row
from service.archives.shard import PendingShards, Shard
from service.kit import logs
from service.kit.errors import Error, Unavailable
from service.kit.settings import Settings

_TRIES = 2  # workers that a file may cost
_END_SECONDS = 10.0


class ProcessPool:
    """`workers` processes, each with an installation of its own."""

    def __init__(
        self, workers: int, settings: Settings, context: BaseContext | None = None, target: "Target | None" = None
    ) -> None:
        """`context`: how processes are started; by default each as a fresh interpreter. `target`: what they run."""
        self.workers = workers
        self._settings = settings
        self._context = context or multiprocessing.get_context("spawn")
        self._target = target or examine_shards

    def run(self, shards: PendingShards, options: ExaminationOptions, seen: Seen) -> Generator[Finished]:
        """As `Engine.run`."""
        work = iter(map(_Work, shards))
        workers: dict[Connection, _Worker] = {}
        try:
            for first in (each for _, each in zip(range(self.workers), work, strict=False)):
                self._start(workers, options, first)
            while workers:
                for connection in wait(list(workers)):
                    worker = workers[connection]  # type: ignore[index]  # of the connections that it was given
                    yield from self._heard(worker, worker.receive(), workers, work, options, seen)
        finally:
            for worker in workers.values():
                worker.kill()

    def _start(self, workers: "dict[Connection, _Worker]", options: ExaminationOptions, work: "_Work") -> None:
        process = self._context.Process  # type: ignore[attr-defined]  # every context has it
        connection, other = self._context.Pipe()
        started = process(target=self._target, args=(other, self._settings, options), daemon=True)
        worker = _Worker(started, connection, work)
        other.close()
        workers[worker.connection] = worker

    def _heard(
        self,
        worker: "_Worker",
        message: "_Message",
        workers: "dict[Connection, _Worker]",
        queue: "Iterator[_Work]",
        options: ExaminationOptions,
        seen: Seen,
    ) -> Iterator[Finished]:
        """Act on what a worker said, and give it work. Yields its shard if that is finished now."""
        if isinstance(message, Stopped):
            raise message.error()
        work = worker.work
        if message == "ready":
            worker.begin()
        elif message == "gone":
            del workers[worker.connection]
            worker.end()
            if work is None:
                return
            seen(work.lose_worker(worker))
            finished, work = (work.finished, next(queue, None)) if work.finished else (None, work)
            if work:
                self._start(workers, options, work)
            if finished:
                yield finished
        elif work is not None:
            work.rows.append(message)
            work.deaths = 0
            seen(1)
            if finished := work.finished:
                worker.give(next(queue, None))
                yield finished


@dataclass(slots=True)
class _Work:
    """A shard, the rows that it has so far, and how many workers its next file has cost."""

    shard: Shard
    rows: list[Row] = field(default_factory=list)
    deaths: int = 0

    @property
    def left(self) -> Shard:
        return self.shard.after(len(self.rows))

    @property
    def finished(self) -> Finished | None:
        whole = len(self.rows) == len(self.shard.entries)
        return Finished(self.shard, tuple(self.rows)) if whole else None

    def lose_worker(self, worker: "_Worker") -> int:
        """Count a death. The file that has cost too many gets its row. Returns how many rows were added.

        Raises Unavailable if the worker had not even begun.
        """
        if not worker.ready:
            raise Unavailable(
                f"a worker process could not start: it ended with {worker.ending}",
                hint="There may be too little memory. Go on with --resume, and fewer --workers.",
            )
        self.deaths += 1
        if self.deaths < _TRIES:
            return 0
        left = self.left
        fault = Fault(Error.code, f"the process that examined the file ended each time, with {worker.ending}")
        self.rows.append(Row.of_fault(left.first, left.entries[0], fault))
        self.deaths = 0
        return 1


_Message = Row | Stopped | Literal["ready", "gone"]
Target = Callable[[Connection, Settings, ExaminationOptions], None]
"""What a worker runs. It sends `ready`, then receives shards and sends a row for each file, until it receives None."""


class _Worker:
    """The parent's side of one worker process, and what it works on."""

    def __init__(self, process: BaseProcess, connection: Connection, work: _Work) -> None:
        """Start it."""
        self.work: _Work | None = work
        self.ready = False
        self.connection = connection
        self._process = process
        self._process.start()

    def receive(self) -> _Message:
        """What it says; `gone` if it has ended."""
        try:
            message: _Message = self.connection.recv()
        except (EOFError, OSError):
            return "gone"
        return message

    def begin(self) -> None:
        """It is ready: send it the work that it was started for."""
        self.ready = True
        self.give(self.work)

    def give(self, work: _Work | None) -> None:
        """Send it work, or let it end."""
        self.work = work
        with contextlib.suppress(OSError):  # it has died, which `receive` will tell
            self.connection.send(work and work.left)

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Wait for it, after it has said its last."""
        self._process.join(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def examine_shards(connection: Connection, settings: Settings, options: ExaminationOptions) -> None:
    """A worker process: one open installation, shard after shard, until the parent says so, or is gone."""
    with contextlib.suppress(OSError):
        os.setpgrp()  # Ctrl-C is for the parent alone: a parser that it ended would make a file look broken
    logs.configure("error")
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            with ExaminingProcess(settings, options) as process:
                connection.send("ready")
                while (shard := connection.recv()) is not None:
                    for number, entry in enumerate(shard.entries, shard.first):
                        connection.send(process.files.row(number, entry))
        except Error as error:
            connection.send(Stopped.by(error))
            connection.recv()  # the parent ends this process
