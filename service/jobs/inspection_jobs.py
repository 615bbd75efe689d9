"""Jobs that examine many files: each is examined once, and its report kept until the job is deleted.

request    the names of the files, and where each is
in-N       files that were sent, one after the other: a file of its own for each would take the disk too long
report-N   the line of the result about file N
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from pydantic import BaseModel, RootModel

from service.examiner.report import Report
from service.jobs.files import INPUT, JobFiles
from service.jobs.running import RunningJob
from service.kit.errors import Error, InputError

REQUEST = "request"
PACK_BYTES = 16 << 20

Examine = Callable[[bytes, str], Report]


class InspectionProblem(BaseModel):
    """Why a file could not be examined."""

    code: str
    message: str
    hint: str


class FailedInspection(BaseModel):
    """A file that could not be examined. The others are examined all the same."""

    file: str
    error: InspectionProblem


class InspectionLine(RootModel[Report | FailedInspection]):
    """A line of the result: about one file, in the order in which they were sent."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file is: from byte `start` of a pack."""

    name: str
    pack: int
    start: int
    size: int


def inspection_parts(files: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The files of a job that examines these, given by name and bytes."""
    places: list[_Place] = []
    packs: list[list[bytes]] = [[]]
    used = 0
    for name, data in files:
        if packs[-1] and used + len(data) > PACK_BYTES:
            packs.append([])
            used = 0
        places.append(_Place(name, len(packs) - 1, used, len(data)))
        packs[-1].append(data)
        used += len(data)
    yield REQUEST, json.dumps([asdict(place) for place in places]).encode()
    yield from ((_input(number), b"".join(pack)) for number, pack in enumerate(packs))


def lines_of(files: JobFiles) -> Iterator[bytes]:
    """The result of an ended job: a line of JSON for each file. Raises Unavailable, Misconfigured."""
    for number in range(len(_places(files))):
        yield files.read(_report(number)) + b"\n"


class InspectionJobs:
    """Runs jobs that examine files."""

    def __init__(self, examine: Examine) -> None:
        self._examine = examine

    def __call__(self, job: RunningJob) -> None:
        """Examine every file of the job that was not examined before.

        Raises:
            Cancelled, Busy, Unavailable, Error: as `Runner`.
        """
        files = job.files
        for pack, numbered in groupby(enumerate(_places(files)), key=lambda each: each[1].pack):
            left = [(number, place) for number, place in numbered if not files.has(_report(number))]
            data = files.read(_input(pack)) if left else b""
            for number, place in left:
                job.check()
                line = self._line(data[place.start : place.start + place.size], place.name)
                files.write(_report(number), line)
                job.get_on(number + 1)
            files.drop(_input(pack))
        job.get_on(job.row.total)

    def _line(self, data: bytes, name: str) -> bytes:
        try:
            return self._examine(data, name).model_dump_json().encode()
        except InputError as error:
            return _failed(name, error)


def _failed(name: str, error: Error) -> bytes:
    problem = InspectionProblem(code=error.code, message=error.message, hint=error.hint)
    return FailedInspection(file=name, error=problem).model_dump_json().encode()


def _places(files: JobFiles) -> list[_Place]:
    return [_Place(**place) for place in json.loads(files.read(REQUEST))]


def _input(number: int) -> str:
    return f"{INPUT}{number}"


def _report(number: int) -> str:
    return f"report-{number}"
