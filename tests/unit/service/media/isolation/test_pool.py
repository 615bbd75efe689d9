import os
import signal
import threading
from pathlib import Path

import pytest

from service.kit.errors import BrokenPicture, TooLarge, Unavailable, UnsupportedPixels
from service.media.isolation.parsers import Parsed
from service.media.isolation.pool import ParserPool
from tests.support.parsers import ALLOWED
from tests.support.processes import exists
from tests.support.waiting import until

MiB = 1 << 20


def echo(pool: ParserPool, seconds: float = 60) -> Parsed:
    return pool.run("echo", [b"one", b"two"], memory=0, output=10, seconds=seconds, extra=[1, None])


def test_a_parser_gets_its_parts_and_options_and_answers_with_a_value_and_bytes(pool: ParserPool) -> None:
    parsed = echo(pool)
    assert parsed.out == b"onetwo"
    assert (parsed.value["sizes"], parsed.value["extra"]) == ([3, 3], [1, None])
    assert parsed.value["pid"] != os.getpid()


def test_large_parts_and_results_pass(pool: ParserPool) -> None:
    data = os.urandom(20 * MiB)
    assert pool.run("echo", [data], memory=0, output=len(data), seconds=60).out == data
    assert echo(pool).out == b"onetwo"


@pytest.mark.parametrize("parser", ["hang", "spin"])
def test_a_parser_that_is_late_is_killed_and_its_place_taken(pool: ParserPool, parser: str) -> None:
    before = echo(pool).value["pid"]
    with pytest.raises(TooLarge, match=r"within 0\.2 s"):
        pool.run(parser, [b""], memory=0, seconds=0.2)
    assert not exists(before)
    assert echo(pool).value["pid"] != before


def test_a_crash_is_an_error_of_the_file_and_costs_one_worker(pool: ParserPool) -> None:
    before = echo(pool).value["pid"]
    with pytest.raises(BrokenPicture, match="could not be read safely: its parser ended with SIGSEGV"):
        pool.run("crash", [b""], memory=0, seconds=60)
    assert echo(pool).value["pid"] != before


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="address space cannot be limited here")
def test_a_parser_that_takes_more_than_its_budget_is_refused(pool: ParserPool) -> None:
    with pytest.raises(TooLarge, match="more memory"):
        pool.run("take_memory", [b""], memory=MiB, seconds=60, size=400 * MiB)
    assert pool.run("take_memory", [b""], memory=50 * MiB, seconds=60, size=50 * MiB).value == {"taken": 50 * MiB}


def test_a_file_that_needs_more_than_the_pool_has_is_refused_unread(pool: ParserPool) -> None:
    with pytest.raises(TooLarge, match="needs about 97 MiB to be read, the limit is 96 MiB"):
        pool.run("crash", [bytes(MiB)], memory=95 * MiB, output=MiB, seconds=60)


def test_errors_of_a_parser_keep_their_type_and_its_bugs_are_the_files(pool: ParserPool) -> None:
    before = echo(pool).value["pid"]
    with pytest.raises(TooLarge, match="said so") as caught:
        pool.run("say_too_large", [b""], memory=0, seconds=60)
    assert caught.value.hint == "as hinted"
    with pytest.raises(UnsupportedPixels, match="odd"):
        pool.run("break_rule", [b""], memory=0, seconds=60)
    with pytest.raises(BrokenPicture, match="ZeroDivisionError"):
        pool.run("raise_error", [b""], memory=0, seconds=60)
    assert echo(pool).value["pid"] == before


def test_an_answer_that_cannot_be_true_ends_the_worker(pool: ParserPool) -> None:
    before = echo(pool).value["pid"]
    with pytest.raises(BrokenPicture, match="no proper answer"):
        pool.run("lie", [b""], memory=0, output=10, seconds=60)
    assert echo(pool).value["pid"] != before


def test_a_worker_killed_from_outside_is_replaced(pool: ParserPool) -> None:
    before = echo(pool).value["pid"]
    os.kill(before, signal.SIGKILL)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert echo(pool).value["pid"] != before


def test_only_allowed_parsers_run(pool: ParserPool) -> None:
    with pytest.raises(ValueError, match="not an allowed parser"):
        pool.run("os:system", [b""], memory=0)


def test_who_finds_no_worker_in_time_is_told_so_and_closing_ends_what_runs() -> None:
    pool, ended = ParserPool(1, 96 * MiB, ALLOWED), list[Exception]()

    def work() -> None:
        with pytest.raises((BrokenPicture, Unavailable)) as caught:
            pool.run("hang", [b""], memory=0, seconds=60)
        ended.append(caught.value)

    pool.start()
    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: not pool._idle)
    with pytest.raises(Unavailable, match="too many files"):
        echo(pool, seconds=0.1)
    pool.close()
    thread.join(60)
    assert len(ended) == 1
    with pytest.raises(Unavailable, match="being closed"):
        echo(pool)


def test_the_budget_is_shared_by_all_files(pool: ParserPool) -> None:
    held, done = threading.Event(), list[Parsed]()
    pool.start()
    with pool._changed:
        pool._used += 90 * MiB

    def work() -> None:
        held.set()
        done.append(pool.run("echo", [b"x"], memory=20 * MiB, output=1, seconds=60))

    thread = threading.Thread(target=work)
    thread.start()
    held.wait(60)
    assert echo(pool).out == b"onetwo"  # a small file passes the large one that waits
    assert not done
    with pool._changed:
        pool._used -= 90 * MiB
        pool._changed.notify_all()
    thread.join(60)
    assert done


def test_a_worker_is_replaced_after_its_number_of_files_and_a_pool_starts_when_asked() -> None:
    pool = ParserPool(1, 96 * MiB, ALLOWED, jobs=2)
    assert not pool._all
    pids = [echo(pool).value["pid"] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    pool.close()
    until(lambda: not exists(pids[3]))


def test_a_pool_that_cannot_start_says_so_and_reads_nothing() -> None:
    pool = ParserPool(1, 96 * MiB, {"gone": "tests.no_such_module:parser"})
    with pytest.raises(Unavailable, match="no process to read files in could be started: exit code"):
        pool.start()
    with pytest.raises(Unavailable, match="could be started"):
        pool.run("gone", [b""], memory=0, seconds=5)
    pool.close()
