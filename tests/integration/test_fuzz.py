"""benchmarks/fuzz.py, in small: damaged files and requests get a report or a typed error, and a bug would be found."""

import random
from collections.abc import Iterator

import pytest

from benchmarks.fuzz import Fuzz, file
from benchmarks.fuzz_requests import Requests
from service.examiner.examination import Examination, Trace
from service.installation import Installation
from service.kit import logs
from tests.support.openapi import Contract

CASES = 200


@pytest.fixture
def fuzz(painted_installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fuzz]:
    """Without the search for a watermark, which takes most of the time and sees pixels alone, never the file."""
    monkeypatch.setattr(Examination, "trace", Trace())
    yield Fuzz(painted_installation, seed=1)
    logs.configure("error")


def test_every_case_gets_a_report_or_a_typed_error(fuzz: Fuzz) -> None:
    for number in range(CASES):
        fuzz.case(number)
    assert fuzz.findings == []
    assert fuzz.answers.total() == CASES
    assert {"file: report", "file: broken_picture", "request: 200", "request: 400"} <= fuzz.answers.keys()


def test_a_bug_is_found(fuzz: Fuzz, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fuzz.installation.examiner, "examine", broken)
    for number in range(1, 40, 2):
        fuzz.case(number)
    assert len(fuzz.findings) == 20
    assert "ZeroDivisionError" in fuzz.findings[0][0]


def test_what_takes_too_long_is_found(fuzz: Fuzz) -> None:
    fuzz.longest = -1
    fuzz.case(1)
    assert "took" in fuzz.findings[0][0]


def test_a_case_is_a_function_of_its_seed(fuzz: Fuzz) -> None:
    assert file(random.Random("1:1")) == file(random.Random("1:1"))
    made = [fuzz.requests.make(random.Random(f"1:{number}")) for number in range(20)]
    assert made == [fuzz.requests.make(random.Random(f"1:{number}")) for number in range(20)]


def test_every_operation_is_requested(fuzz: Fuzz) -> None:
    contract: Contract = fuzz.requests.contract
    requests = Requests(contract, lambda _: b"x")
    asked = {requests.make(random.Random(number)).operation.id for number in range(400)}
    assert asked == {each.id for each in contract.operations}
