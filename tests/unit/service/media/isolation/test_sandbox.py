import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from service.media.isolation import seccomp
from service.media.isolation.pool import MEASURES, ParserPool
from tests.support.parsers import ALLOWED
from tests.support.waiting import until

LINUX = pytest.mark.skipif(not seccomp.supported(), reason="system calls are filtered on Linux only")


def attempted(pool: ParserPool, what: str, target: object = "") -> str | None:
    error: str | None = pool.run("attempt", [b""], memory=0, seconds=60, what=what, target=str(target)).value["error"]
    return error


@LINUX
def test_this_system_gives_every_measure(pool: ParserPool) -> None:
    pool.start()
    assert pool.missing == frozenset()
    assert pool.isolation == "full"
    assert {"system_calls", "dies_with_parent", "memory"} <= MEASURES


@LINUX
@pytest.mark.parametrize("what", ["socket", "execute", "fork", "list"])
def test_it_reaches_no_network_and_starts_no_process(pool: ParserPool, what: str) -> None:
    assert attempted(pool, what, "/") == "EPERM"


@LINUX
def test_it_opens_and_removes_no_file(pool: ParserPool, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("secret")
    for what in ("read", "write", "unlink"):
        assert attempted(pool, what, secret) == "EPERM"
    assert secret.read_text() == "secret"


@LINUX
@pytest.mark.parametrize("what", ["kill", "trace", "limit"])
def test_it_touches_no_other_process(pool: ParserPool, what: str) -> None:
    assert attempted(pool, what, os.getpid()) == "EPERM"


def test_it_may_use_threads(pool: ParserPool) -> None:
    assert attempted(pool, "thread") is None


def test_it_has_no_secret_no_descriptor_and_no_large_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_WATERMARK_SECRET", "0123456789abcdef")
    with Path(__file__).open() as file, closing(ParserPool(1, 96 << 20, ALLOWED)) as fresh:
        os.set_inheritable(file.fileno(), True)
        seen = fresh.run("see", [b""], memory=1 << 20, seconds=60).value
    assert not [name for name in seen["environment"] if name.startswith("COUNTERMARK")]
    assert set(seen["environment"]) <= {
        "LC_ALL", "TZ", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX", "LC_CTYPE",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "__CF_USER_TEXT_ENCODING",
    }  # fmt: skip
    assert len(seen["descriptors"]) <= 7  # three to nowhere, the channel, the memory, its map, and its own statistics
    assert (seen["core"], seen["files"]) == ([0, 0], [0, 0])
    assert 0 < seen["cpu"] < 200
    assert seen["modules"] == []


_PARENT = """
import sys, threading
from service.media.isolation.pool import ParserPool
from tests.support.parsers import ALLOWED
pool = ParserPool(1, 96 << 20, ALLOWED)
print(pool.run("echo", [b""], memory=0, seconds=60).value["pid"], flush=True)
threading.Thread(target=lambda: pool.run("spin", [b""], memory=0, seconds=600), daemon=True).start()
sys.stdin.read()
"""


@LINUX
def test_a_worker_ends_with_its_parent_even_in_the_middle_of_a_file() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[5]
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.send_signal(signal.SIGKILL)
        parent.wait(60)
        until(lambda: not _runs(worker))


def _runs(pid: int) -> bool:
    """Not gone, and not waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
