import json
from collections.abc import Callable

import pytest

from service.access.client import OPERATOR
from service.examiner.report import Report
from service.installation import Installation
from service.jobs.inspection_jobs import InspectionJobs, InspectionLine, inspection_parts, lines_of
from service.jobs.queue import JobQueue, NewJob
from service.jobs.running import RunningJob
from service.kit.errors import Unavailable, UnsupportedFormat
from service.media.pictures import encode
from service.storage import JobRow
from tests.support.painter import landscape

FILES = [("a.png", encode(landscape(1, 64, 64), "png")[0]), ("b.txt", b"hello"), ("c.png", b"")]


@pytest.fixture
def job(queue: JobQueue, claim: Callable[[str], JobRow]) -> RunningJob:
    queue.submit(NewJob("inspection", 3, dict(inspection_parts(FILES))), OPERATOR)
    return RunningJob(claim("me"), "me", queue, lambda: False)


def test_a_line_for_each_file_whatever_it_is(job: RunningJob, installation: Installation) -> None:
    def examine(data: bytes, name: str) -> Report:
        return installation.examiner.examine(data, name, classify=False)

    InspectionJobs(examine)(job)
    lines = [json.loads(line) for line in lines_of(job.files)]
    assert [line["file"] for line in lines] == ["a.png", "b.txt", "c.png"]
    assert [line.get("error", {}).get("code") for line in lines] == [None, "unsupported_format", "broken_picture"]
    for line in lines:
        InspectionLine.model_validate(line)
    assert job.queue.find(job.row.id).done == 3


def test_it_goes_on_where_it_was(job: RunningJob) -> None:
    asked: list[str] = []
    fail = True

    def examine(data: bytes, name: str) -> Report:
        asked.append(name)
        if name == "b.txt" and fail:
            raise Unavailable("the ledger does not answer")
        raise UnsupportedFormat("not an image")

    runner = InspectionJobs(examine)
    with pytest.raises(Unavailable):
        runner(job)
    assert (job.files.has("in-0"), job.files.has("in-1")) == (False, True)
    fail = False
    runner(job)
    assert asked == ["a.png", "b.txt", "b.txt", "c.png"]
    assert len(list(lines_of(job.files))) == 3
