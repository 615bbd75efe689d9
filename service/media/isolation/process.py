"""The pool's side of one worker process: start it, give it a job, kill it."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from mmap import mmap
from pathlib import Path
from typing import Any

from service.kit.errors import BrokenPicture, InputError, tree
from service.media.isolation import messages
from service.media.isolation.messages import Closed
from service.media.isolation.parsers import Call, Parsed, too_much_memory, too_slow, unsafe
from service.media.isolation.shared import SharedMemory

# Isolated from the user's site and environment; the path is the pool's own.
_PROGRAM = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep); "
    "from service.media.isolation.worker import main; main(*sys.argv[2:])"
)
# Nothing else of the environment reaches a worker: no settings, no keys. One thread and one arena each.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # without them some builds of Python do not start
_ERRORS = {error.code: error for error in tree(InputError)}
_END_SECONDS = 5.0
_COPIES = 3  # of the file that a parser may make beside its budget


_PIECE = 4 << 20  # bytes that are copied at a time, so that other threads can run in between


class StartFailed(Exception):
    """A worker process did not become ready."""


class WorkerProcess:
    """A worker, from its start to its end. Used by one thread at a time."""

    def __init__(self, parsers: Mapping[str, str]) -> None:
        """Start the process; `ready` waits for it. Raises OSError if the system cannot start one."""
        self.jobs = 0
        self.measures: frozenset[str] = frozenset()
        self._memory = SharedMemory()
        self._channel, other = socket.socketpair()
        with other:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    self._command(other, parsers),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # libtiff and others write there as they like
                    pass_fds=(other.fileno(), self._memory.descriptor),
                    env=_ENVIRONMENT | {name: os.environ[name] for name in _LIBRARY_PATHS if name in os.environ},
                    cwd="/",
                )
            except OSError:
                self._channel.close()
                self._memory.close()
                raise

    def _command(self, channel: socket.socket, parsers: Mapping[str, str]) -> list[str]:
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        targets = ",".join(f"{name}={target}" for name, target in parsers.items())
        descriptors = f"{channel.fileno()},{self._memory.descriptor}"
        return [sys.executable, "-I", "-B", "-c", _PROGRAM, path, descriptors, targets, str(os.getpid())]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ready(self, deadline: float) -> None:
        """Wait until it takes jobs. Raises StartFailed, and then it has been killed."""
        try:
            self.measures = frozenset(messages.receive(self._channel, deadline)["ready"])
        except (Closed, TimeoutError) as failed:
            reason = "it was too slow" if isinstance(failed, TimeoutError) else self._end()
            self.kill()
            raise StartFailed(reason) from failed

    def run(self, call: Call, seconds: float) -> tuple[Parsed, bool]:
        """One job within `seconds`; and whether the worker should be replaced after it.

        Raises:
            InputError: as `Parsers.run`. `alive` says whether the worker survived; if not, it has been killed.
        """
        self.jobs += 1
        at = call.size
        view = self._memory.reserve(at + call.output)
        position = 0
        for part in call.parts:
            view[position : position + len(part)] = part
            position += len(part)
        job = {
            "parser": call.parser,
            "parts": [len(part) for part in call.parts],
            "region": self._memory.size,
            "output": call.output,
            "memory": call.memory + call.output + _COPIES * at,
            "seconds": seconds,
            "options": call.options,
        }
        answer = self._exchange(job, time.monotonic() + seconds, seconds)
        try:
            return self._parsed(answer, call.output, at), bool(answer.get("recycle"))
        finally:
            self._memory.release(at + call.output)

    def _exchange(self, job: dict[str, Any], deadline: float, seconds: float) -> dict[str, Any]:
        try:
            messages.send(self._channel, job, deadline)
            return messages.receive(self._channel, deadline)
        except TimeoutError as slow:
            self.kill()
            raise too_slow(seconds) from slow
        except Closed as gone:
            reason = self._end()
            self.kill()
            if reason == "SIGXCPU":
                raise too_slow(seconds) from gone
            raise unsafe(f"its parser ended with {reason}") from gone

    def _parsed(self, answer: Mapping[str, Any], output: int, at: int) -> Parsed:
        """What a worker says is not believed: it has read a stranger's file."""
        if answer.get("memory"):
            raise too_much_memory()
        if "failure" in answer:
            raise BrokenPicture(f"the file is damaged ({str(answer['failure'])[:80]})")
        if "error" in answer:
            error = _ERRORS.get(str(answer["error"]), BrokenPicture)
            raise error(str(answer.get("message"))[:500], hint=str(answer.get("hint"))[:500])
        value, written = answer.get("value"), answer.get("written")
        if not isinstance(value, dict) or not isinstance(written, int) or not 0 <= written <= output:
            self.kill()
            raise unsafe("its parser gave no proper answer")
        # A copy: what was checked must not change afterwards.
        return Parsed(value, _copied(self._memory.reserve(at + output), at, at + written))

    def close(self) -> None:
        """End it: at once if it waits for a job."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self.kill()

    def interrupt(self) -> None:
        """SIGKILL, from another thread than the one that waits for its answer."""
        self._process.kill()

    def kill(self) -> None:
        """SIGKILL, and wait for it: a process cannot refuse that."""
        self._process.kill()
        self._process.wait()
        self._channel.close()
        self._memory.close()

    def _end(self) -> str:
        """How the process ended, which closed its channel: a signal's name, or its exit code."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "a closed channel"
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


def _copied(view: mmap, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`. A copy in one piece would keep every other thread waiting until it is done."""
    if end - start <= _PIECE:
        return view[start:end]
    copied = io.BytesIO()
    with memoryview(view) as whole:
        for at in range(start, end, _PIECE):
            copied.write(whole[at : min(end, at + _PIECE)])
    return copied.getvalue()
