"""Whatever happens to a job that generates, each image is issued once, and nothing is given that was not."""

import hashlib
from collections.abc import Callable

import pytest

from service.access.client import OPERATOR
from service.access.tenants import Terms
from service.gateway.order import Order
from service.gateway.stages import IssueStage
from service.installation import Installation
from service.jobs.image_jobs import ORDERS, ImageJobs, image_in, image_name, orders_part, outcome_name, outcome_of
from service.jobs.queue import JobQueue, NewJob
from service.jobs.running import RunningJob
from service.kit.errors import Busy, Cancelled, CheckpointNotTaken, Misconfigured, Unavailable, Unsafe
from service.ledger.ledger import Ledger
from service.storage import JobRow
from tests.support.clock import Clock
from tests.support.gateway import Build
from tests.support.painter import Checker, Painter, finding
from tests.unit.service.jobs.conftest import LEASE

ORDERED = [Order(prompt="a lake", seed=seed, width=128, height=128) for seed in (1, 2)]


class Died(BaseException):
    """The process dies here: nothing after it is carried out."""


@pytest.fixture
def job(queue: JobQueue, claim: Callable[[str], JobRow]) -> RunningJob:
    queue.submit(NewJob("images.generation", 2, {ORDERS: orders_part(ORDERED)}), OPERATOR)
    return RunningJob(claim("me"), "me", queue, lambda: False)


@pytest.fixture
def run(painted_installation: Installation) -> ImageJobs:
    return runner(painted_installation)


def runner(installation: Installation) -> ImageJobs:
    return ImageJobs(lambda: installation.gateway, installation.ledger, installation.publisher, installation.tenants)


def issued(installation: Installation) -> int:
    audit = installation.ledger.verify()
    assert audit.problems == ()
    return audit.images


def images(job: RunningJob, ledger: Ledger) -> list[str]:
    """The SHA-256 of each image of the result, which must be those that the ledger has."""
    outcomes = [outcome_of(job.files, number) for number in range(2)]
    found = [image_in(job.files, number, outcome, ledger) for number, outcome in enumerate(outcomes)]
    assert all(image.summary.proof and image.summary.decision for image in found)
    return [hashlib.sha256(image.data).hexdigest() for image in found]


def test_every_image_is_released_once(job: RunningJob, run: ImageJobs, installation: Installation) -> None:
    run(job)
    shas = images(job, installation.ledger)
    assert [installation.ledger.by_sha256(sha) is not None for sha in shas] == [True, True]
    run(job)  # begun again, although all is done
    assert (images(job, installation.ledger), issued(installation)) == (shas, 2)
    assert job.queue.find(job.row.id).done == 2


@pytest.mark.parametrize(
    ("owner", "method", "when", "left"),
    [
        (Painter, "render", "after", 0),
        (Ledger, "issue", "before", 0),
        (Ledger, "issue", "after", 1),
        (IssueStage, "__call__", "after", 1),
    ],
    ids=["rendered", "stored", "issued", "released"],
)
def test_a_process_that_dies_anywhere_issues_nothing_twice(
    job: RunningJob,
    run: ImageJobs,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    when: str,
    left: int,
) -> None:
    real = getattr(owner, method)

    def dying(*args: object, **more: object) -> object:
        if when == "after":
            real(*args, **more)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, dying)
        with pytest.raises(Died):
            run(job)
    assert issued(installation) == left
    run(job)
    assert (len(set(images(job, installation.ledger))), issued(installation)) == (2, 2)


def test_a_worker_that_lost_its_job_issues_nothing(
    job: RunningJob, run: ImageJobs, installation: Installation, clock: Clock, claim: Callable[[str], JobRow]
) -> None:
    clock.now += LEASE
    second = RunningJob(claim("other"), "other", job.queue, lambda: False)
    with pytest.raises(Cancelled):
        run(job)
    assert issued(installation) == 0
    run(second)
    assert issued(installation) == 2


def test_what_was_cancelled_is_not_issued(job: RunningJob, run: ImageJobs, installation: Installation) -> None:
    job.queue.cancel(job.row.id, OPERATOR)
    with pytest.raises(Cancelled):
        run(job)
    assert issued(installation) == 0


def test_a_refusal_beside_a_release_and_alone(job: RunningJob, build: Build, installation: Installation) -> None:
    verdicts = [0.9, 0.1]
    installation._gateway = build(checkers=[Checker(lambda images: [finding(verdicts.pop(0)) for _ in images])])
    runner(installation)(job)
    refusal = outcome_of(job.files, 0).refusal
    assert refusal is not None
    assert (refusal.code, bool(refusal.appeal), issued(installation)) == ("moderation_blocked", True, 1)
    for name in (outcome_name(0), outcome_name(1)):
        job.files.drop(name)
    with installation.ledger.write() as stored:
        stored.jobs.delete(job.row.id)
        stored.jobs.add(job.row)
    verdicts += [0.9, 0.9]
    with pytest.raises(Unsafe) as caught:
        runner(installation)(job)
    assert caught.value.content_id is not None


def test_a_full_queue_or_a_missing_model_refuses_nothing(
    job: RunningJob, run: ImageJobs, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fault in (Busy("full", retry_after=1), Unavailable("no model")):

        def failing(*_: object, fault: Exception = fault) -> object:
            raise fault

        with monkeypatch.context() as patch:
            patch.setattr(type(installation.gateway), "release", failing)
            with pytest.raises(type(fault)):
                run(job)
        assert not job.files.has(outcome_name(0))


def test_a_proof_that_cannot_be_made_is_a_refusal_and_the_image_stays_here(
    job: RunningJob, run: ImageJobs, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> object:
        raise CheckpointNotTaken("a witness did not answer", stage="issue")

    monkeypatch.setattr(installation.publisher, "prove_released", closed)
    with pytest.raises(CheckpointNotTaken):
        run(job)
    assert issued(installation) == 2


def test_a_file_that_is_not_the_one_that_was_issued_is_given_to_nobody_and_none_is_in_clear(
    job: RunningJob, run: ImageJobs, installation: Installation
) -> None:
    run(job)
    for path in installation.settings.home.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert b"a lake" not in data
        assert b"\x89PNG" not in data
    files = job.files
    files.write(image_name(0), files.read(image_name(0)) + b" ")
    with pytest.raises(Misconfigured, match="not the image that was issued"):
        images(job, installation.ledger)


def test_a_key_that_was_revoked_meanwhile(
    queue: JobQueue, run: ImageJobs, installation: Installation, claim: Callable[[str], JobRow]
) -> None:
    client = installation.tenants.client(installation.tenants.add(Terms(name="acme")).key)
    queue.submit(NewJob("images.generation", 2, {ORDERS: orders_part(ORDERED)}), client)
    job = RunningJob(claim("me"), "me", queue, lambda: False)
    installation.tenants.rotate("acme")
    with pytest.raises(Exception, match="revoked") as caught:
        run(job)
    assert (getattr(caught.value, "code", ""), issued(installation)) == ("client_removed", 0)
