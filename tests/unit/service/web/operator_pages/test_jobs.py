from service.access.client import OPERATOR, Client
from service.installation import Installation
from service.jobs.queue import NewJob
from tests.support.operators import Signed

NEW = NewJob("inspection", 3, {"request": b"[]"})


def test_a_job_is_listed_without_what_it_asks_for_and_stopped(operator: Signed, installation: Installation) -> None:
    first = installation.jobs.submit(NEW, OPERATOR).id
    second = installation.jobs.submit(NEW, Client("ops", "cm_x")).id
    page = operator.open("/jobs")
    for told in (first, second, "this installation", "0 of 3", "waits"):
        assert told in page
    done = operator.send("/jobs/stop", job=first)
    assert (done.status_code, done.headers["location"]) == (303, "/operator/jobs?done=job_stopped")
    assert installation.jobs.find(first).status == "cancelled"
    assert installation.jobs.find(second).status == "queued"
    assert operator.open("/jobs").count("Stop this job") == 1


def test_one_that_is_worked_on_is_asked_to_stop(operator: Signed, installation: Installation) -> None:
    job = installation.jobs.submit(NEW, OPERATOR).id
    assert installation.jobs.claim("a worker")
    operator.send("/jobs/stop", job=job)
    assert "is being stopped" in operator.open("/jobs")


def test_no_jobs_and_no_such_job(operator: Signed) -> None:
    assert "There are no jobs." in operator.open("/jobs")
    assert operator.send("/jobs/stop", job="J-0").status_code == 404
