"""A process that works on the jobs of a home folder, over the painter: to be killed (SIGKILL: no handler, no flush)."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess

from service import installation as module
from service.access.client import OPERATOR
from service.gateway.order import Order
from service.installation import Installation
from service.jobs.image_jobs import ORDERS, image_in, orders_part, outcome_of
from service.jobs.queue import NewJob
from service.kit import logs
from service.kit.settings import PREFIX, load_settings
from service.storage import ENDED
from tests.support.killing import painting_gateway
from tests.support.processes import CONTEXT

_LEASE_SECONDS = 1


def submit(installation: Installation, count: int) -> list[str]:
    """Take on jobs of one image each; their ids."""
    orders = ([Order(prompt="a lake", seed=seed, width=128, height=128)] for seed in range(count))
    jobs = (NewJob("images.generation", 1, {ORDERS: orders_part(order)}) for order in orders)
    return [installation.jobs.submit(job, OPERATOR).id for job in jobs]


def start(settings: Mapping[str, str]) -> ForkServerProcess:
    """Begin to work on everything that waits; the process ends once nothing is left. `settings`: without the prefix."""
    process = CONTEXT.Process(target=_work, args=(dict(settings),))
    process.start()
    return process


def check(installation: Installation, jobs: list[str]) -> None:
    """None was lost: each has its image. None was released twice: the ledger has as many images, each of one job.

    Raises AssertionError.
    """
    audit = installation.ledger.verify()
    assert audit.problems == ()
    assert audit.images == len(jobs), f"{audit.images} images of {len(jobs)} jobs"
    shas = set()
    for number in jobs:
        row = installation.jobs.find(number)
        assert row.status == "succeeded", f"{number} is {row.status}: {json.dumps(row.error)}"
        files = installation.jobs.files(row)
        image = image_in(files, 0, outcome_of(files, 0), installation.ledger)
        assert image.summary.proof
        shas.add(hashlib.sha256(image.data).hexdigest())
    assert len(shas) == len(jobs)


def unfinished(installation: Installation) -> int:
    """Jobs that have not ended."""
    return sum(row.status not in ENDED for row in installation.jobs.newest(100_000))


def _work(settings: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    own = {"THREADS": "1", "PARSER_PROCESSES": "0", "WORK_LEASE": str(_LEASE_SECONDS)}
    os.environ |= {PREFIX + name: value for name, value in (own | dict(settings)).items()}
    logs.configure("error")
    module.Installation._open_gateway = painting_gateway  # type: ignore[method-assign]
    installation = module.open_installation(load_settings())
    workers = installation.job_workers()
    workers.start()
    while unfinished(installation):
        time.sleep(0.05)
    workers.close()
    installation.close()
