"""The supervisor, over programs that stand in for servers."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from service.api import workers
from service.api.workers import Supervisor, Worker, listening
from service.kit.errors import Unavailable
from tests.support.processes import exists
from tests.support.waiting import until

STAND_IN = """
import os, signal, sys, time
from service.api.workers import VARIABLE, Worker
worker = Worker.from_environment()
assert worker is not None and VARIABLE not in os.environ
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
{before}
worker.say_ready()
open(f"{folder}/{{worker.number}}-{{os.getpid()}}", "w").close()
{after}
time.sleep(60)
"""


def supervised(
    folder: Path, before: str = "", after: str = "", count: int = 2, first: str = ""
) -> "subprocess.Popen[str]":
    """A supervisor in a process of its own. Each worker leaves a file in `folder` when it is ready."""
    stand_in = STAND_IN.format(folder=folder, before=before, after=after)
    script = f"""
        import sys
        {first}
        from service.api.workers import Supervisor
        command = (sys.executable, "-c", {stand_in!r})
        supervisor = Supervisor(command, __import__("os").environ, {count}, 5)
        sys.exit(supervisor.serve("127.0.0.1", 0, lambda port: print(port, flush=True)))
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)


def seen(folder: Path) -> dict[int, int]:
    """Processes that said that they are ready, and the number of each."""
    return {int(pid): int(number) for number, pid in (path.name.split("-") for path in folder.iterdir())}


def test_it_tells_when_all_serve_and_ends_them(tmp_path: Path) -> None:
    with supervised(tmp_path) as supervisor:
        assert supervisor.stdout is not None
        assert int(supervisor.stdout.readline()) > 0
        until(lambda: len(seen(tmp_path)) == 2)
        assert sorted(seen(tmp_path).values()) == [0, 1]
        supervisor.terminate()
        assert supervisor.wait(30) == 0
    assert not any(exists(pid) for pid in seen(tmp_path))


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path) as supervisor:
        until(lambda: len(seen(tmp_path)) == 2)
        (killed,) = (pid for pid, number in seen(tmp_path).items() if number == 1)
        os.kill(killed, signal.SIGKILL)
        until(lambda: sorted(seen(tmp_path).values()) == [0, 1, 1])
        supervisor.terminate()
        assert supervisor.wait(30) == 0


def test_one_that_cannot_start_stops_the_server_with_its_code(tmp_path: Path) -> None:
    with supervised(tmp_path, before="sys.exit(7)") as supervisor:
        assert supervisor.wait(30) == 7
    assert seen(tmp_path) == {}


def test_workers_that_die_again_and_again_are_given_up(tmp_path: Path) -> None:
    fast = "from service.api import workers; workers._LONGEST_PAUSE = 0.01"
    with supervised(tmp_path, after="sys.exit(3)", count=1, first=fast) as supervisor:
        assert supervisor.wait(60) == 1
    assert len(seen(tmp_path)) == workers._MOST_DEATHS + 1


def test_while_one_serves_the_server_does_not_give_up(tmp_path: Path) -> None:
    fast = "from service.api import workers; workers._LONGEST_PAUSE = 0.01"
    with supervised(tmp_path, after="if worker.number == 1: sys.exit(3)", first=fast) as supervisor:
        until(lambda: list(seen(tmp_path).values()).count(1) > workers._MOST_DEATHS + 1)
        assert list(seen(tmp_path).values()).count(0) == 1
        supervisor.terminate()
        assert supervisor.wait(30) == 0


def test_they_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path) as supervisor:
        until(lambda: len(seen(tmp_path)) == 2)
        supervisor.kill()
    until(lambda: not any(exists(pid) for pid in seen(tmp_path)))


def test_without_a_supervisor_a_process_is_no_worker() -> None:
    assert Worker.from_environment() is None


def test_a_folder_of_that_name_is_no_worker(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__main__.py").write_text("print('foreign')")
    command = workers.command_of(["--version"])
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "foreign" not in done.stdout
    assert done.stdout.strip()


def test_threads_are_divided() -> None:
    told = [Worker(number, 3, 0, 0, 0, "") for number in range(3)]
    assert [worker.share(2) for worker in told] == [1, 1, 0]
    assert [worker.share(7) for worker in told] == [3, 2, 2]


def test_an_address_that_is_taken_is_told() -> None:
    with listening("127.0.0.1", 0) as taken, pytest.raises(Unavailable, match="could not listen"):
        listening("127.0.0.1", taken.getsockname()[1])


def test_the_socket_may_be_given_to_others() -> None:
    with listening("127.0.0.1", 0) as at, socket.create_connection(at.getsockname()):
        assert at.family == socket.AF_INET
    assert isinstance(Supervisor(("true",), {}, 1, 1), Supervisor)
