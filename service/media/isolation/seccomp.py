"""A system call filter for workers (Linux, x86-64 and aarch64): what is not needed to compute and to answer is denied.

An allowlist, so that calls which do not exist yet are denied too. Denied calls fail with EPERM and do not kill the
process: a parser that looks for a time zone file goes on without it. Numbers: the kernel's syscall tables
(arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). Filter program: seccomp(2).

There is no open, socket, connect, execve, fork, ptrace, kill, unlink, ftruncate or mount.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBERS: Mapping[str, tuple[int | None, int | None]] = {
    # name: (x86-64, aarch64)
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "poll": (7, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "dup": (32, 23),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),  # send() on the inherited channel; there is no call that makes another socket
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "uname": (63, 160),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "getuid": (102, 174),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
# Allowed in one form only: threads but no processes, limits and signals of this process alone, copies of descriptors.
_CLONE, _CLONE3 = (56, 220), (435, 435)
_PRLIMIT, _TGKILL, _FCNTL = (302, 261), (234, 131), (72, 25)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_SECCOMP_CALL = (317, 277)

_CLONE_THREAD = 0x10000
_F_DUPFD_CLOEXEC = 1030
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, JMP|JEQ|K, JMP|JSET|K, RET|K
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data, little-endian
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


@dataclass(frozen=True, slots=True)
class _Step:
    """One instruction of the filter: `true` and `false` are how many of the next ones are skipped."""

    code: int
    value: int
    true: int = 0
    false: int = 0

    @property
    def packed(self) -> bytes:
        return struct.pack("<HBBI", self.code, self.true, self.false, self.value)


def supported() -> bool:
    """Whether this system's calls are known here."""
    return sys.platform == "linux" and platform.machine() in _ARCHITECTURES and sys.byteorder == "little"


def install() -> bool:
    """Deny every thread of this process all but the listed calls, for good. False where the system does not allow it.

    PR_SET_NO_NEW_PRIVS must have been set.
    """
    if not supported():
        return False
    column, _ = _ARCHITECTURES[platform.machine()]
    program = b"".join(step.packed for step in _program(platform.machine(), os.getpid()))
    steps = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    return not libc.syscall(
        ctypes.c_long(_SECCOMP_CALL[column]),
        ctypes.c_uint(_SET_MODE_FILTER),
        ctypes.c_uint(_ALL_THREADS),
        ctypes.create_string_buffer(filter_, len(filter_)),
    )


def _program(machine: str, pid: int) -> list[_Step]:
    column, audit = _ARCHITECTURES[machine]
    steps = [_Step(_LOAD, _ARCH), _Step(_EQUAL, audit, true=1), _Step(_RETURN, _KILL_PROCESS), _Step(_LOAD, _NR)]
    steps += _answer(_CLONE3[column], _ERRNO | errno.ENOSYS)  # its flags lie in memory: the libraries then use clone
    steps += _where(_CLONE[column], 0, _Step(_ANY_BIT, _CLONE_THREAD, false=1))
    steps += _where(_PRLIMIT[column], 0, _Step(_EQUAL, 0, false=1))
    steps += _where(_TGKILL[column], 0, _Step(_EQUAL, pid, false=1))
    steps += _where(_FCNTL[column], 1, _Step(_EQUAL, _F_DUPFD_CLOEXEC, false=1))
    for numbers in _NUMBERS.values():
        number = numbers[column]
        if number is not None:
            steps += _answer(number, _ALLOW)
    return [*steps, _Step(_RETURN, _ERRNO | errno.EPERM)]


def _answer(number: int, action: int) -> list[_Step]:
    return [_Step(_EQUAL, number, false=1), _Step(_RETURN, action)]


def _where(number: int, argument: int, condition: _Step) -> list[_Step]:
    """Allow call `number` if the low half of that argument (0 is the first) meets the condition."""
    return [
        _Step(_EQUAL, number, false=4),
        _Step(_LOAD, _ARGUMENTS + 8 * argument),
        condition,
        _Step(_RETURN, _ALLOW),
        _Step(_RETURN, _ERRNO | errno.EPERM),
    ]
