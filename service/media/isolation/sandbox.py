"""What a worker takes from itself before it reads the first file: memory, time, files, network, other processes.

Nothing here can be undone by the worker later. `confine` says what the system gave; the pool logs what is missing.
"""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.media.isolation import seccomp

Measure = Literal["memory", "cpu", "files", "no_new_privileges", "not_dumpable", "dies_with_parent", "system_calls"]

_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38
_DESCRIPTORS = 16
_SLACK = 128 << 20  # bytes of address space beyond a job's budget: stacks, arenas, tables of the libraries
_HOURS = 3600
_NICENESS = 5  # the process that answers goes first


def confine(parent: int) -> list[Measure]:
    """Give up what a parser does not need, for good. `parent`: process id of the pool.

    Returns what took effect. Linux takes all of it; other systems have less.
    """
    os.nice(_NICENESS)
    taken: list[Measure] = []
    for number in (signal.SIGINT, signal.SIGHUP):  # meant for the pool's process, which then closes the channel
        signal.signal(number, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0, 0)
    if _limit(resource.RLIMIT_FSIZE, 0, 0) and _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS, _DESCRIPTORS):
        taken.append("files")
    if _limit(resource.RLIMIT_CPU, _HOURS, _HOURS):
        taken.append("cpu")
    if sys.platform == "linux":
        taken += _confine_on_linux(parent)
    return taken


def _confine_on_linux(parent: int) -> list[Measure]:
    taken: list[Measure] = ["memory"]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        taken.append("dies_with_parent")
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)
    if libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        taken.append("not_dumpable")
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        taken.append("no_new_privileges")
        if seccomp.install():
            taken.append("system_calls")
    return taken


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Limits of one job. Open it before `confine`, after which no file can be opened."""

    statm: int | None

    @classmethod
    def open(cls) -> "JobLimits":
        path = Path("/proc/self/statm")
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.exists() else None)

    def kept(self) -> int:
        """Bytes that this process holds for itself, without what it shares with the pool; 0 where that is not known.

        Not `ru_maxrss`: a process that is started inherits the peak of the one that started it.
        """
        if self.statm is None:
            return 0
        _, resident, shared, *_ = os.pread(self.statm, 100, 0).split()
        return (int(resident) - int(shared)) * resource.getpagesize()

    def set(self, memory: int, seconds: float) -> None:
        """Allow the next job `memory` more bytes of address space than are used now, and `seconds` of CPU time."""
        if self.statm is not None:
            used = int(os.pread(self.statm, 100, 0).split()[0]) * resource.getpagesize()
            _limit(resource.RLIMIT_AS, used + memory + _SLACK, resource.RLIM_INFINITY)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + seconds) + 2, _HOURS)


def _limit(what: int, soft: int, hard: int) -> bool:
    """Set a limit, or the nearest one that is below what this process was given. False where the system refuses."""
    given = resource.getrlimit(what)[1]
    if given != resource.RLIM_INFINITY:
        hard = given if hard == resource.RLIM_INFINITY else min(hard, given)
        soft = min(soft, hard)
    try:
        resource.setrlimit(what, (soft, hard))
    except (OSError, ValueError):
        return False
    return True
