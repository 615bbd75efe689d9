"""Several processes that serve on one address: a supervisor starts them, restarts those that die, and ends them all.

Each worker is `countermark serve` again, with models and threads of its own. They have the listening socket in common,
and files in which they count together (`sharing`). Everything else that they must agree on is in the database.

A worker that dies is replaced; what it worked on is as after `kill -9` of a server: an image left only if it is
recorded, a job is begun again. If the supervisor dies, its workers end.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import structlog

from service.api import sharing
from service.kit.errors import Unavailable

log = structlog.get_logger()

VARIABLE: Final = "_COUNTERMARK_WORKER"
_BACKLOG: Final = 2048
_POLL_SECONDS: Final = 0.1
_STEADY_SECONDS: Final = 30.0
_LONGEST_PAUSE: Final = 60.0
_MOST_DEATHS: Final = 5
"""Deaths of young workers in a row after which the server gives up, if none is left. While one serves, the others are
tried again after growing pauses."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker is told: its number of so many, the socket, where to say that it serves, a pipe that is closed when
    the supervisor is gone, and the folder of what all workers count."""

    number: int
    workers: int
    listening: int
    ready: int
    alive: int
    shared: str

    @classmethod
    def from_environment(cls) -> "Worker | None":
        """None in a process that no supervisor started. The variable is removed: a child is no worker."""
        text = os.environ.pop(VARIABLE, None)
        if text is None:
            return None
        number, workers, listening, ready, alive, shared = text.split(",", 5)
        return cls(int(number), int(workers), int(listening), int(ready), int(alive), shared)

    def __str__(self) -> str:
        return f"{self.number},{self.workers},{self.listening},{self.ready},{self.alive},{self.shared}"

    def socket(self) -> socket.socket:
        """The listening socket of all workers."""
        return socket.socket(fileno=self.listening)

    def sharing(self) -> sharing.Sharing:
        """What it counts with the others."""
        return sharing.of_worker(Path(self.shared), self.number)

    def share(self, total: int) -> int:
        """This worker's part of a number of threads that all have together."""
        return total // self.workers + (self.number < total % self.workers)

    def say_ready(self) -> None:
        """Tell the supervisor that it serves from now on, and end when that one is gone."""
        os.write(self.ready, b"1")
        os.close(self.ready)
        threading.Thread(target=self._outlive_nobody, daemon=True, name="countermark-supervisor").start()

    def _outlive_nobody(self) -> None:
        os.read(self.alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass(slots=True)
class _Running:
    """A worker's process. `since`: when it began to serve; None before. `again`: when to replace it; None: it lives."""

    process: "subprocess.Popen[bytes]"
    ready: int
    since: float | None = None
    again: float | None = None


class Supervisor:
    """Starts the workers of one server and keeps them running."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], workers: int, patience: float) -> None:
        """`command`, `environment`: what each worker runs. `patience`: seconds they have to end."""
        self._command = command
        self._environment = environment
        self._workers = workers
        self._patience = patience
        self._stopping = threading.Event()

    def serve(self, host: str, port: int, on_ready: Callable[[int], None] = lambda port: None) -> int:
        """Serve until SIGTERM or SIGINT; returns the exit code: 0, or that of a worker that could not start.

        `on_ready` is called once, with the port, when all of them serve.

        Raises:
            Unavailable: the address cannot be listened on.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with listening(host, port) as at, tempfile.TemporaryDirectory(prefix="countermark-workers-") as shared:
            counts = sharing.prepare(Path(shared), self._workers)
            end, alive = os.pipe()
            running: dict[int, _Running] = {}
            try:
                start = partial(self._start, at.fileno(), end, shared)
                running |= {number: start(number) for number in range(self._workers)}
                return self._keep(running, start, counts.clear, lambda: on_ready(at.getsockname()[1]))
            finally:
                os.close(alive)
                self._end(list(running.values()))
                os.close(end)

    def _keep(
        self,
        running: dict[int, _Running],
        start: Callable[[int], _Running],
        clear: Callable[[int], None],
        on_ready: Callable[[], None],
    ) -> int:
        told, deaths = False, 0
        while not self._stopping.is_set():
            for number, worker in running.items():
                now = time.monotonic()
                if worker.again is not None:
                    if now >= worker.again:
                        os.close(worker.ready)
                        running[number] = start(number)
                    continue
                if worker.since is None and _is_ready(worker.ready):
                    worker.since = now
                code = worker.process.poll()
                if code is None:
                    continue
                if worker.since is None and not told:
                    return code if code > 0 else 1  # it could not start, and has said why
                deaths = deaths + 1 if worker.since is None or now - worker.since < _STEADY_SECONDS else 1
                log.error("worker_died", worker=number, code=code, deaths=deaths)
                clear(number)
                worker.again = now + (0 if deaths == 1 else min(_LONGEST_PAUSE, 2.0 ** (deaths - 2)))
                if deaths > _MOST_DEATHS and all(each.again is not None for each in running.values()):
                    return 1
            if not told and all(worker.since is not None for worker in running.values()):
                told = True
                on_ready()
            self._stopping.wait(_POLL_SECONDS)
        return 0

    def _start(self, at: int, alive: int, shared: str, number: int) -> _Running:
        ready, says = os.pipe()
        os.set_blocking(ready, False)
        told = Worker(number, self._workers, at, says, alive, shared)
        process = subprocess.Popen(  # noqa: S603 - this program itself
            self._command,
            env={**self._environment, VARIABLE: str(told)},
            pass_fds=(at, says, alive),
        )
        os.close(says)
        return _Running(process, ready)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _end(self, running: list[_Running]) -> None:
        for worker in running:
            os.close(worker.ready)
            with suppress(OSError):
                worker.process.terminate()
        until = time.monotonic() + self._patience
        for worker in running:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def listening(host: str, port: int) -> socket.socket:
    """A listening socket that child processes may be given. Raises Unavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as taken:
        raise Unavailable(
            f"the server could not listen on {host}:{port}: {taken.strerror}", hint="Choose another port."
        ) from taken


def command_of(arguments: list[str]) -> tuple[str, ...]:
    """The command of a worker: this one again, whatever a folder called `service` is where it runs."""
    return (sys.executable, "-P", "-m", "service", *arguments)


def _is_ready(pipe: int) -> bool:
    try:
        return os.read(pipe, 1) == b"1"
    except BlockingIOError:
        return False
