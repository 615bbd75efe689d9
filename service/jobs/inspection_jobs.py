"""Jobs that examine many files: each is examined once, and its report kept until the job is deleted.

in-N       a file that was sent; deleted once its report is stored
request    the names of the files
report-N   the line of the result about file N
"""

import json
from collections.abc import Callable, Iterator, Sequence

from pydantic import BaseModel, RootModel

from service.examiner.report import Report
from service.jobs.files import INPUT, JobFiles
from service.jobs.running import RunningJob
from service.kit.errors import Error, InputError

REQUEST = "request"

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


def inspection_parts(files: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The files of a job that examines these, given by name and bytes."""
    yield REQUEST, json.dumps([name for name, _ in files]).encode()
    yield from ((_input(number), data) for number, (_, data) in enumerate(files))


def lines_of(files: JobFiles) -> Iterator[bytes]:
    """The result of an ended job: a line of JSON for each file. Raises Unavailable, Misconfigured."""
    for number in range(len(json.loads(files.read(REQUEST)))):
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
        for number, name in enumerate(json.loads(files.read(REQUEST))):
            job.check()
            if not files.has(_report(number)):
                files.write(_report(number), self._line(files.read(_input(number)), name))
            files.drop(_input(number))
            job.get_on(number + 1)

    def _line(self, data: bytes, name: str) -> bytes:
        try:
            return self._examine(data, name).model_dump_json().encode()
        except InputError as error:
            return _failed(name, error)


def _failed(name: str, error: Error) -> bytes:
    problem = InspectionProblem(code=error.code, message=error.message, hint=error.hint)
    return FailedInspection(file=name, error=problem).model_dump_json().encode()


def _input(number: int) -> str:
    return f"{INPUT}{number}"


def _report(number: int) -> str:
    return f"report-{number}"
