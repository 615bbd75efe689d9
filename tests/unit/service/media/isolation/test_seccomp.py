import errno
import platform

import pytest

from service.media.isolation import seccomp
from service.media.isolation.pool import ParserPool
from service.media.isolation.seccomp import _ARCHITECTURES, _program

_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x80000000
_PID = 4242


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter answers to a call: its program, run as the kernel would."""
    words = {0: number, 4: _ARCHITECTURES[machine][1] if architecture is None else architecture}
    words |= {16 + 8 * index: value & 0xFFFFFFFF for index, value in enumerate(arguments)}
    program, at, loaded = _program(machine, _PID), 0, 0
    while True:
        step = program[at]
        at += 1
        if step.code == 0x20:
            loaded = words.get(step.value, 0)
        elif step.code == 0x06:
            return step.value
        else:
            holds = loaded == step.value if step.code == 0x15 else bool(loaded & step.value)
            at += step.true if holds else step.false


# read, openat, socket, connect, execve, clone3, clone, prlimit64, tgkill, kill, ptrace, ftruncate, io_uring_setup
NUMBERS = {
    "x86_64": (0, 257, 41, 42, 59, 435, 56, 302, 234, 62, 101, 77, 425),
    "aarch64": (63, 56, 198, 203, 221, 435, 220, 261, 131, 129, 117, 46, 425),
}


@pytest.mark.parametrize("machine", NUMBERS)
def test_only_what_computing_needs_is_allowed(machine: str) -> None:
    read, openat, socket, connect, execve, clone3, clone, prlimit, tgkill, kill, ptrace, ftruncate, uring = NUMBERS[
        machine
    ]
    assert verdict(machine, read) == _ALLOW
    for denied in (openat, socket, connect, execve, kill, ptrace, ftruncate, uring, 999, 0x40000000 | read):
        assert verdict(machine, denied) == _EPERM
    assert verdict(machine, clone3) == _ENOSYS
    assert verdict(machine, clone, 0x3D0F00) == _ALLOW  # pthread_create
    assert verdict(machine, clone, 0x1200011) == _EPERM  # fork
    assert verdict(machine, prlimit, 0) == _ALLOW
    assert verdict(machine, prlimit, 1) == _EPERM
    assert verdict(machine, tgkill, _PID) == _ALLOW
    assert verdict(machine, tgkill, 1) == _EPERM
    assert verdict(machine, read, architecture=0x40000003) == _KILL  # 32-bit calls have other numbers


def test_it_is_installed_where_the_system_is_known(pool: ParserPool) -> None:
    pool.start()
    assert ("system_calls" in pool.missing) is not seccomp.supported()
    assert seccomp.supported() is (platform.system() == "Linux" and platform.machine() in NUMBERS)
