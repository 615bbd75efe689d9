"""Damaged files of every format for the examiner and every endpoint, and requests of every operation.

    python benchmarks/fuzz.py [--minutes 2] [--seed N] [--cases N] [--save FOLDER]

Half of the cases are files, examined in this process with the workers that a server has; the other half are requests to
the whole application. What must hold of all: a report, or a typed error that the OpenAPI document describes; no server
error, nothing that takes longer than --longest seconds, and memory that does not grow in the second half.
Every case is a function of the seed and its number, which are printed; `--first N` begins with that number. A case that
breaks a rule is saved to --save. Ends with 1 if one did.
"""

import argparse
import contextlib
import faulthandler
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fastapi.testclient import TestClient

from benchmarks.credential_mutants import mutant, originals
from benchmarks.fuzz_requests import Request, Requests
from service.api import create_app
from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.errors import InputError
from service.kit.settings import Settings
from tests.assets import provenance
from tests.assets.hostile import cases as hostile
from tests.support.gateway import builder
from tests.support.openapi import Contract

GROWTH = 128 << 20
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08free\0\0\0\x10mdat" + bytes(8)
EXPECTED_5XX = {"unavailable", "switched_off", "misconfigured"}  # parts that the installation of this run lacks


@dataclass
class Fuzz:
    """One run over one installation: counts what it met, and keeps what broke a rule."""

    installation: Installation
    seed: int
    longest: float = 30.0
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        app = create_app(self.installation)
        logs.configure("critical")
        self.client = TestClient(app, raise_server_exceptions=False)
        self.requests = Requests(Contract(app), file)

    def case(self, number: int) -> None:
        """One case. The same seed and number give the same one."""
        rng = random.Random(f"{self.seed}:{number}")
        begun = time.monotonic()
        label, told = self._file(number, file(rng)) if number % 2 else self._request(number, self.requests.make(rng))
        if (seconds := time.monotonic() - begun) > self.longest:
            self.findings.append((f"case {number}: {label} took {seconds:.0f} s", told))

    def _file(self, number: int, data: bytes) -> tuple[str, bytes]:
        try:
            self.installation.examiner.examine(data, classify=False)
            outcome = "report"
        except InputError as refused:
            outcome = refused.code
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            outcome = type(error).__name__
            self.findings.append((f"case {number}: examine: {outcome}: {error}", data))
        self.answers[f"file: {outcome}"] += 1
        return "examine", data

    def _request(self, number: int, request: Request) -> tuple[str, bytes]:
        name, told = request.operation.id, repr(request)[:100_000].encode()
        try:
            answer = self.client.request(
                request.operation.method, request.url, headers=dict(request.headers), **request.body
            )
            faults = request.operation.faults(answer) if self._is_the_operation(request) else []
            if answer.status_code >= 500 and answer.json().get("code") not in EXPECTED_5XX:
                faults.append(f"{answer.status_code}: {answer.text[:300]}")
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            faults, outcome = [f"{type(error).__name__}: {error}"], "exception"
        else:
            outcome = str(answer.status_code)
        self.answers[f"request: {outcome}"] += 1
        self.findings += [(f"case {number}: {name}: {fault}", told) for fault in faults]
        return name, told

    def _is_the_operation(self, request: Request) -> bool:
        """A path parameter can make it another path, or none."""
        found = self.requests.contract.find(request.operation.method, request.url.partition("?")[0])
        return found is request.operation


@cache
def corpus() -> tuple[bytes, ...]:
    """Files of every format, plain, hostile and signed."""
    plain = list(originals())
    signed = [provenance.lab().sign(data, mime, provenance.CAMERA) for _, mime, data in plain]
    store = provenance.lab().sidecar(plain[0][2], plain[0][1], provenance.CAMERA)
    small = [case.data for case in hostile() if len(case.data) < 1 << 16]
    return (*(data for _, _, data in plain), *signed, *small, MP4, store, store[:200] + plain[0][2])


def file(rng: random.Random) -> bytes:
    """A file of the corpus, in most cases damaged."""
    known = corpus()
    data = rng.choice(known)
    return mutant(data, rng.choice(known) or b"\0", rng) if data and rng.random() < 0.9 else data


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@contextlib.contextmanager
def opened(processes: int) -> Iterator[Installation]:
    """A new installation that paints, in a temporary folder, with so many parser processes."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), threads=1, requests_per_minute=0, parser_processes=processes)
        installation = open_installation(settings)
        installation._gateway = builder(installation)()
        try:
            yield installation
        finally:
            installation.close()


def numbers(options: argparse.Namespace) -> Iterator[tuple[int, bool]]:
    """Numbers of cases until the time or the count is used up, and whether half of it is."""
    begun, seconds = time.monotonic(), 60 * options.minutes
    number = options.first
    while (gone := time.monotonic() - begun) < seconds and (
        options.cases is None or number < options.first + options.cases
    ):
        done = gone / seconds if options.cases is None else (number - options.first) / options.cases
        yield number, done >= 0.5
        number += 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--cases", type=int, help="stop after so many")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--longest", type=float, default=60.0)
    parser.add_argument("--save", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    with opened(2) as installation:
        fuzz, half, number = Fuzz(installation, options.seed, options.longest), 0, 0
        for number, later in numbers(options):
            half = half or (resident() if later else 0)
            faulthandler.dump_traceback_later(10 * options.longest, exit=True)  # what hangs shows where
            fuzz.case(number)
        faulthandler.cancel_dump_traceback_later()
        grown = resident() - half if half else 0
    if grown > GROWTH:
        fuzz.findings.append((f"memory grew by {grown >> 20} MB in the second half", b""))
    for index, (told, data) in enumerate(fuzz.findings):
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / f"{options.seed}-{index}").write_bytes(data)
        print(told)
    print(f"{sum(fuzz.answers.values()):,} cases, {len(fuzz.findings)} findings, {grown / (1 << 20):+.0f} MB; ", end="")
    print(", ".join(f"{count} {answer}" for answer, count in fuzz.answers.most_common()))
    return 1 if fuzz.findings else 0


if __name__ == "__main__":
    sys.exit(main())
