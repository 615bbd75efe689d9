"""Killing the process that works on jobs loses none of them and releases none twice; benchmarks/jobs.py does more."""

import signal

from service.installation import Installation
from service.kit.settings import Settings
from tests.support.job_workers import check, start, submit, unfinished
from tests.support.waiting import LONGEST, until


def test_killed_while_it_works(installation: Installation, settings: Settings) -> None:
    jobs = submit(installation, 4)
    own = {"HOME": str(settings.home), "JOB_WORKERS": "2"}
    process = start(own)
    until(lambda: unfinished(installation) < len(jobs))
    process.kill()
    process.join(LONGEST)
    assert process.exitcode == -signal.SIGKILL
    process = start(own)
    process.join(LONGEST)
    assert process.exitcode == 0
    check(installation, jobs)
    left = 0
    for number in jobs:  # what was half written is gone, and so is what was asked for
        folder = installation.jobs.files(installation.jobs.find(number)).folder
        names = {path.name for path in folder.glob("*.box")}
        left += "in-orders.box" in names
        assert names - {"in-orders.box"} == {"image-0.box", "outcome-0.box"}
    assert left <= 2  # of jobs that ended in the moment of the kill, one a worker: it goes with the job, a day later
