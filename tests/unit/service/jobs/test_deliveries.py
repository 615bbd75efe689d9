"""Messages about jobs: signed as the specification says, tried again, given up, and sent again."""

import base64
import datetime as dt
import json
from collections.abc import Callable

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from service.access.client import OPERATOR, Client
from service.access.tenants import Terms
from service.installation import Installation
from service.jobs.deliveries import DEAD_KEPT, PAUSES, Deliveries, NotDelivered
from service.jobs.files import JobFolder
from service.jobs.queue import JobLimits, JobQueue, NewJob
from service.jobs.webhooks import Webhooks
from service.keys import signing
from service.kit.errors import NotFound, Unsafe
from tests.support.clock import Clock
from tests.unit.service.jobs.conftest import KEPT, LEASE

URL = "https://hooks.example.com/countermark"
JOB = NewJob("inspection", 1, {"in-0": b"a red fox"})


class Endpoint:
    """Answers with each of `statuses` in turn, or raises it; with 204 once they are used up."""

    def __init__(self, *statuses: int | BaseException) -> None:
        self.statuses = list(statuses)
        self.asked: list[tuple[str, bytes, dict[str, str]]] = []

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.asked.append((url, body, headers))
        status = self.statuses.pop(0) if self.statuses else 204
        if isinstance(status, BaseException):
            raise status
        return status


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def webhooks(installation: Installation, clock: Clock) -> Webhooks:
    return Webhooks(installation.ledger, signing.vault(installation.settings), lambda url: "hooks.example.com", clock)


@pytest.fixture
def deliveries(installation: Installation, webhooks: Webhooks, endpoint: Endpoint, clock: Clock) -> Deliveries:
    return Deliveries(installation.ledger, webhooks, endpoint, KEPT, clock)


@pytest.fixture
def queue(installation: Installation, folder: JobFolder, deliveries: Deliveries, clock: Clock) -> JobQueue:
    return JobQueue(installation.ledger, folder, JobLimits(2000, KEPT, LEASE), deliveries.announce, clock)


End = Callable[..., str]


@pytest.fixture
def end(queue: JobQueue) -> End:
    """Takes a job on and ends it; its id."""

    def ended(client: Client = OPERATOR, error: Exception | None = None) -> str:
        job = queue.submit(JOB, client)
        row = queue.claim("me")
        assert row is not None
        queue.end(row, "me", "failed" if error else "succeeded", error)  # type: ignore[arg-type]
        return job.id

    return ended


def test_the_specifications_own_example() -> None:
    """Of standard-webhooks/spec: the same message, secret and time give the same signature."""
    secret = "whsec_" + base64.b64encode(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).decode()
    at = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    assert (
        Verifier(secret).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_tenant_is_told_of_its_job_and_nobody_else(
    deliveries: Deliveries, webhooks: Webhooks, installation: Installation, endpoint: Endpoint, end: End
) -> None:
    mine, other = (installation.tenants.client(installation.tenants.add(Terms(name=name)).key) for name in ("a", "b"))
    secret = webhooks.set(URL, "a").secret
    job = end(mine)
    end(other)
    end(OPERATOR)
    assert deliveries.deliver_next("me")
    assert not deliveries.deliver_next("me")
    ((url, body, headers),) = endpoint.asked
    # The clock of this test stands; that of the library does not, so its tolerance is not asked here.
    at = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
    assert headers["webhook-signature"] == Verifier(secret).sign(headers["webhook-id"], at, body.decode())
    message = json.loads(body)
    assert (url, message["type"], message["data"]["id"]) == (URL, "job.succeeded", job)
    assert b"fox" not in body
    assert headers["content-type" if "content-type" in headers else "Content-Type"] == "application/json"


def test_a_removed_tenant_is_told_nothing(
    deliveries: Deliveries, webhooks: Webhooks, installation: Installation, queue: JobQueue, endpoint: Endpoint
) -> None:
    client = installation.tenants.client(installation.tenants.add(Terms(name="a")).key)
    webhooks.set(URL, "a")
    job = queue.submit(JOB, client)
    installation.tenants.remove("a")
    queue.stop(job.id)
    assert not deliveries.deliver_next("me")
    assert endpoint.asked == []


def test_it_is_tried_again_with_growing_pauses_and_the_same_id(
    deliveries: Deliveries, webhooks: Webhooks, endpoint: Endpoint, end: End, clock: Clock
) -> None:
    webhooks.set(URL)
    endpoint.statuses = [500, NotDelivered("ConnectTimeout"), 302]
    end(error=Unsafe("no", stage="screen"))
    for pause in PAUSES[:3]:
        assert deliveries.deliver_next("me")
        assert not deliveries.deliver_next("me")
        clock.now += dt.timedelta(seconds=1.2 * pause)
    assert deliveries.deliver_next("me")
    assert len({headers["webhook-id"] for _, _, headers in endpoint.asked}) == 1
    assert [json.loads(body)["type"] for _, body, _ in endpoint.asked] == ["job.failed"] * 4
    clock.now += dt.timedelta(days=2)
    assert not deliveries.deliver_next("me")
    assert deliveries.dead_letters() == []


def test_it_is_given_up_kept_and_sent_again(
    deliveries: Deliveries, webhooks: Webhooks, endpoint: Endpoint, end: End, clock: Clock
) -> None:
    webhooks.set(URL)
    endpoint.statuses = [503] * (len(PAUSES) + 1)
    job = end()
    while deliveries.deliver_next("me"):
        clock.now += dt.timedelta(days=2)
    (dead,) = deliveries.dead_letters()
    assert (dead.job, dead.attempts, dead.outcome) == (job, len(PAUSES) + 1, "status 503")
    deliveries.send_again(dead.id)
    with pytest.raises(NotFound):
        deliveries.send_again(dead.id)
    assert deliveries.deliver_next("me")
    assert deliveries.dead_letters() == []


def test_an_endpoint_that_is_gone_is_asked_no_more_and_the_letter_goes_in_the_end(
    deliveries: Deliveries, webhooks: Webhooks, endpoint: Endpoint, end: End, clock: Clock
) -> None:
    webhooks.set(URL)
    endpoint.statuses = [410]
    end()
    assert deliveries.deliver_next("me")
    assert len(deliveries.dead_letters()) == 1
    clock.now += DEAD_KEPT
    end()
    assert deliveries.deliver_next("me")
    assert deliveries.dead_letters() == []


def test_one_that_does_not_answer_is_not_asked_for_each_message(
    deliveries: Deliveries, webhooks: Webhooks, endpoint: Endpoint, end: End
) -> None:
    webhooks.set(URL)
    endpoint.statuses = [NotDelivered("ConnectTimeout")] * 9
    for _ in range(3):
        end()
    assert deliveries.deliver_next("me")
    assert not deliveries.deliver_next("me")
    assert len(endpoint.asked) == 1


def test_a_process_that_dies_while_it_sends_forgets_nothing(
    deliveries: Deliveries, webhooks: Webhooks, endpoint: Endpoint, end: End, clock: Clock
) -> None:
    webhooks.set(URL)
    endpoint.statuses = [KeyboardInterrupt()]
    end()
    with pytest.raises(KeyboardInterrupt):
        deliveries.deliver_next("me")
    assert not deliveries.deliver_next("other")
    clock.now += dt.timedelta(minutes=3)
    assert deliveries.deliver_next("other")
    assert endpoint.asked[0][2]["webhook-id"] == endpoint.asked[1][2]["webhook-id"]
