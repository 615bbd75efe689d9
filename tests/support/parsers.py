"""Parsers for tests of the workers: what a hostile file could make a parser do. Imported by the worker itself."""

import ctypes
import errno
import gc
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from service.kit.errors import TooLarge, UnsupportedPixels

Answer = tuple[dict[str, Any], int]

ALLOWED = {
    name: f"tests.support.parsers:{name}"
    for name in (
        "attempt",
        "break_rule",
        "crash",
        "echo",
        "hang",
        "lie",
        "raise_error",
        "say_too_large",
        "see",
        "spin",
        "take_memory",
    )
}
"""The allow-list of the test pool."""


def echo(*parts: bytes, out: memoryview, **options: Any) -> Answer:
    """The parts one after another."""
    whole = b"".join(parts)
    out[: len(whole)] = whole
    return {"sizes": [len(part) for part in parts], "pid": os.getpid(), **options}, len(whole)


def hang(_data: bytes, *, out: memoryview) -> Answer:
    time.sleep(600)
    raise AssertionError("the test is over")


def spin(_data: bytes, *, out: memoryview) -> Answer:
    """Busy without ever letting Python run, as a decoder in C does."""
    ctypes.PyDLL(None).usleep(600_000_000)
    raise AssertionError("the test is over")


def crash(_data: bytes, *, out: memoryview) -> Answer:
    ctypes.string_at(0)
    raise AssertionError("memory at 0 can be read")


def take_memory(_data: bytes, *, out: memoryview, size: int) -> Answer:
    return {"taken": len(bytearray(size))}, 0


def raise_error(_data: bytes, *, out: memoryview) -> Answer:
    raise ZeroDivisionError("in a parser")


def say_too_large(_data: bytes, *, out: memoryview) -> Answer:
    raise TooLarge("said so", hint="as hinted")


def break_rule(_data: bytes, *, out: memoryview) -> Answer:
    raise UnsupportedPixels("odd")


def lie(_data: bytes, *, out: memoryview) -> Answer:
    """More bytes than there is room for."""
    return {}, len(out) + 1


def see(_data: bytes, *, out: memoryview) -> Answer:
    """What the process has."""
    gc.collect()
    return {
        "environment": dict(os.environ),
        "descriptors": [fd for fd in range(64) if _is_open(fd)],
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_FSIZE),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "modules": sorted(name for name in ("fastapi", "onnxruntime", "numpy", "sqlalchemy") if name in _modules()),
    }, 0


def attempt(_data: bytes, *, out: memoryview, what: str, target: str = "") -> Answer:
    """Do one forbidden thing; `error`: the name of the errno that it met, None if it worked."""
    try:
        _ATTEMPTS[what](target)
    except OSError as denied:
        return {"error": errno.errorcode[denied.errno or 0]}, 0
    return {"error": None}, 0


def _modules() -> set[str]:
    import sys

    return set(sys.modules)


def _is_open(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError as why:
        return why.errno != errno.EBADF
    return True


def _thread(_target: str) -> None:
    """Allowed: decoders use threads."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _ptrace(target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, int(target), None, None) == -1:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")


_ATTEMPTS: dict[str, Callable[[str], object]] = {
    "socket": lambda _: socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", 9)),
    "read": lambda target: os.open(target, os.O_RDONLY),
    "write": lambda target: os.open(target, os.O_WRONLY | os.O_CREAT),
    "unlink": os.unlink,
    "list": os.listdir,
    "execute": lambda _: os.execv("/bin/true", ["true"]),
    "fork": lambda _: os.fork() or os._exit(0),
    "kill": lambda target: os.kill(int(target), 0),
    "trace": _ptrace,
    "limit": lambda target: resource.prlimit(int(target), resource.RLIMIT_NOFILE, (3, 3)),
    "thread": _thread,
}
