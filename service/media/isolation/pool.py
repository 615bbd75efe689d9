"""The pool of worker processes in which files from outside are parsed."""

import threading
import time
import weakref
from collections.abc import Mapping
from typing import get_args

import structlog

from service.kit.errors import InputError, Unavailable
from service.media.isolation.parsers import PARSERS, Call, Isolation, Parsed, Parsers, crowded, over_budget
from service.media.isolation.process import StartFailed, WorkerProcess
from service.media.isolation.sandbox import Measure

_log = structlog.get_logger()

MEASURES = frozenset(get_args(Measure))
"""What a worker takes from itself where the system allows all of it."""

_JOBS = 500  # files a worker reads before it is replaced, whatever state they left it in
_START_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_NO_LIMIT = 24 * 3600.0
_HINT = "See the log, and docs/operating.md for what a worker process needs. Nothing is read without one."


class ParserPool(Parsers):
    """Workers that are started when they are needed, killed when they are late, and replaced. Thread-safe.

    All workers are started by one thread that lives as long as this process: Linux kills a worker when the thread
    that started it ends.
    """

    def __init__(self, size: int, memory: int, parsers: Mapping[str, str] = PARSERS, jobs: int = _JOBS) -> None:
        """`size`: workers at most; `memory`: bytes that all files being parsed may need; `jobs`: for each worker."""
        self._size, self._memory, self._jobs = size, memory, jobs
        self._parsers = parsers
        self._changed = threading.Condition()
        # All of these are guarded by `_changed`.
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._waiting = 0
        self._used = 0
        self._eager = False
        self._closed = False
        self._failure: str | None = None
        self._starter: threading.Thread | None = None
        self._measures: frozenset[str] | None = None
        weakref.finalize(self, _kill, self._all)  # also when this process ends

    @property
    def isolation(self) -> Isolation:
        """As `Parsers.isolation`."""
        return "reduced" if self._measures is None or self.missing else "full"

    @property
    def missing(self) -> frozenset[str]:
        """What this system does not let a worker give up. Known once a worker has started; empty until then."""
        return MEASURES - self._measures if self._measures is not None else frozenset()

    def start(self) -> None:
        """Start every worker now and keep as many. Returns when the first is ready.

        Raises:
            Unavailable: none can be started.
        """
        with self._changed:
            self._eager = True
            self._wake()
            self._changed.wait_for(lambda: self._all or self._failure, _START_SECONDS)
            if not self._all:
                raise self._not_started()

    def _run(self, call: Call) -> Parsed:
        if call.parser not in self._parsers:
            raise ValueError(f"{call.parser} is not an allowed parser")
        seconds = _NO_LIMIT if call.seconds is None else call.seconds
        if call.needed > self._memory:
            raise over_budget(call.needed, self._memory)
        worker = self._take(call.needed, seconds)
        recycle = True
        try:
            parsed, recycle = worker.run(call, seconds)
        except InputError as error:
            recycle = False
            if not worker.alive:
                _log.warning("parser_killed", parser=call.parser, code=error.code, reason=error.message)
            raise
        finally:
            self._give_back(worker, call.needed, keep=worker.alive and not recycle and worker.jobs < self._jobs)
        return parsed

    def close(self) -> None:
        """End every worker, also those that work."""
        with self._changed:
            self._closed = True
            idle, busy = self._idle, self._all.difference(self._idle)
            self._idle = []
            self._changed.notify_all()
        for worker in busy:
            worker.interrupt()
        for worker in idle:
            worker.close()
        if self._starter is not None:
            self._starter.join()

    def _take(self, memory: int, seconds: float) -> WorkerProcess:
        """An idle worker and `memory` of the budget, within `seconds`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    if self._closed:
                        raise Unavailable("the installation is being closed", hint="Try again later.")
                    if self._used + memory <= self._memory and (worker := self._pop()):
                        self._used += memory
                        return worker
                    self._wake()
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise crowded()
                    self._changed.wait(left)
                    if self._failure and not self._all:
                        raise self._not_started()
            finally:
                self._waiting -= 1

    def _pop(self) -> WorkerProcess | None:
        """The worker used last, whose memory is warm. One that was killed from outside is dropped."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._all.discard(worker)
            worker.kill()
        return None

    def _give_back(self, worker: WorkerProcess, memory: int, *, keep: bool) -> None:
        with self._changed:
            keep = keep and not self._closed
            self._used -= memory
            if keep:
                self._idle.append(worker)
            else:
                self._all.discard(worker)
                self._wake()
            self._changed.notify_all()
        if not keep:
            worker.close()

    def _wake(self) -> None:
        """Let the starter look whether a worker is missing."""
        if self._starter is None and not self._closed:
            self._starter = threading.Thread(target=self._start_workers, daemon=True, name="countermark-parsers")
            self._starter.start()
        self._changed.notify_all()

    def _missing_worker(self) -> bool:
        free = self._size - len(self._all)
        return free > 0 and (self._eager or self._waiting > len(self._idle))

    def _start_workers(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._missing_worker())
                if self._closed:
                    return
            worker = self._started()
            with self._changed:
                if worker is None:
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._closed, _RETRY_SECONDS)
                    continue
                if not self._closed:
                    self._failure = None
                    self._all.add(worker)
                    self._idle.append(worker)
                    self._changed.notify_all()
                    continue
            worker.close()
            return

    def _started(self) -> WorkerProcess | None:
        """A ready worker, or None with the reason in `_failure`."""
        try:
            worker = WorkerProcess(self._parsers)
            worker.ready(time.monotonic() + _START_SECONDS)
        except (OSError, StartFailed) as failed:
            self._failure = str(failed)
            _log.error("parser_not_started", reason=self._failure)
            return None
        if self._measures is None:
            self._measures = worker.measures
            if self.missing:
                _log.warning("parser_isolation_reduced", missing=sorted(self.missing))
        return worker

    def _not_started(self) -> Unavailable:
        return Unavailable(f"no process to read files in could be started: {self._failure or 'too slow'}", hint=_HINT)


def _kill(workers: set[WorkerProcess]) -> None:
    for worker in list(workers):
        worker.kill()
