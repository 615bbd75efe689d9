import json
from collections.abc import Callable

import pytest

from service.access.client import OPERATOR
from service.examiner.report import Report
from service.installation import Installation
from service.jobs import inspection_jobs as module
from service.jobs.inspection_jobs import InspectionJobs, InspectionLine, inspection_parts, lines_of
from service.jobs.queue import JobQueue, NewJob
from service.jobs.running import RunningJob
from service.kit.errors import Unavailable, UnsupportedFormat
from service.media.pictures import encode
from service.storage import JobRow
from tests.support.painter import landscape

FILES = [("a.png", encode(landscape(1, 64, 64), "png")[0]), ("b.txt", b"hello"), ("c.png", b"")]


def begun(queue: JobQueue, claim: Callable[[str], JobRow]) -> RunningJob:
    queue.submit(NewJob("inspection", 3, dict(inspection_parts(FILES))), OPERATOR)
    return RunningJob(claim("me"), "me", queue, lambda: False)


def test_a_line_for_each_file_whatever_it_is(
    queue: JobQueue, claim: Callable[[str], JobRow], installation: Installation
) -> None:
    job = begun(queue, claim)

    def examine(data: bytes, name: str) -> Report:
        return installation.examiner.examine(data, name, classify=False)

    InspectionJobs(examine)(job)
    lines = [json.loads(line) for line in lines_of(job.files)]
    assert [line["file"] for line in lines] == ["a.png", "b.txt", "c.png"]
    assert [line.get("error", {}).get("code") for line in lines] == [None, "unsupported_format", "broken_picture"]
    for line in lines:
        InspectionLine.model_validate(line)
    assert job.queue.find(job.row.id).done == 3


@pytest.mark.parametrize("pack", [0, 1 << 20], ids=["a pack each", "one pack"])
def test_it_goes_on_where_it_was(
    queue: JobQueue, claim: Callable[[str], JobRow], pack: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PACK_BYTES", pack)
    job = begun(queue, claim)
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
    assert (job.files.has("report-0"), job.files.has("report-1")) == (True, False)
    fail = False
    runner(job)
    assert asked == ["a.png", "b.txt", "b.txt", "c.png"]
    assert len(list(lines_of(job.files))) == 3
