import threading

import pytest

from service.kit.errors import TooLarge, Unavailable
from service.media.isolation.loading import load
from service.media.isolation.parsers import PARSERS, InProcess
from tests.support import parsers
from tests.support.parsers import ALLOWED


def test_every_allowed_parser_is_there() -> None:
    assert all(callable(load(target)) for target in PARSERS.values())


def test_in_this_process_a_parser_has_its_budget_and_its_errors() -> None:
    here = InProcess(1 << 20, ALLOWED)
    here.start()
    assert here.run("echo", [b"ab", b"c"], memory=0, output=9).out == b"abc"
    assert here.isolation == "none"
    with pytest.raises(TooLarge, match="needs about 2 MiB"):
        here.run("echo", [b"ab"], memory=2 << 20)
    with pytest.raises(TooLarge, match="said so"):
        here.run("say_too_large", [b""], memory=0, seconds=60)
    with pytest.raises(ZeroDivisionError):
        here.run("raise_error", [b""], memory=0)
    here.close()


def test_memory_that_is_not_there_is_an_error_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(parsers, "take_memory", full)
    with pytest.raises(TooLarge, match="more memory"):
        InProcess(parsers=ALLOWED).run("take_memory", [b""], memory=0)


def test_a_parser_that_times_out_keeps_its_slot_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    freed, ended = threading.Event(), threading.Event()

    def late(*_: object, **__: object) -> None:
        freed.wait(60)
        ended.set()

    here = InProcess(parsers=ALLOWED, slots=1)
    monkeypatch.setattr(parsers, "hang", late)
    with pytest.raises(TooLarge, match=r"within 0\.05 s"):
        here.run("hang", [b""], memory=0, seconds=0.05)
    with pytest.raises(Unavailable, match="too many"):
        here.run("echo", [b""], memory=0, seconds=0.05)
    freed.set()
    ended.wait(60)
    assert here.run("echo", [b"x"], memory=0, output=1, seconds=60).out == b"x"
