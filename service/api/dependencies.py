"""What the routes work with: one typed object an application, and the dependencies that hand it to a route."""

import threading
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from service.api.capacity import CapacityLimiter
from service.api.detection import DetectionService
from service.api.rate_limits import Buckets
from service.api.sharing import Sharing, alone
from service.installation import Installation
from service.jobs.workers import JobWorkers

_IMAGE_THREADS = 4  # a decoded image of the largest size takes hundreds of megabytes

# More threads than the queue has places: a caller who finds the queue full must hear so at once.
_THREADS_BESIDE_QUEUE = 32

_JOIN_SECONDS = 10.0  # for jobs to stop; one that does not is begun again by the next process


@dataclass(frozen=True, slots=True)
class Services:
    """An open installation, and the threads and limits that one application shares among its requests."""

    installation: Installation
    order_threads: Executor
    """Orders wait here for the backend. They have their own threads so that they cannot starve the examiner."""
    order_capacity: CapacityLimiter
    """Orders in progress, never more than there are threads for them."""
    image_threads: Executor
    """Everything else that decodes an uploaded image."""
    examination_capacity: CapacityLimiter
    """Files that are examined or wait for it: those that the threads work on, and the queue of the settings."""
    detection: DetectionService
    public_examinations: Buckets
    """Of each address that examines without a key where keys are used."""
    job_workers: JobWorkers
    """What works on jobs, once it is started."""
    stopping: threading.Event
    """Set when the server begins to shut down: streams that wait for something end."""

    @classmethod
    def open(cls, installation: Installation, sharing: Sharing | None = None) -> "Services":
        """Services with idle threads. Call `close` when the application stops."""
        sharing = sharing or alone()
        hourly = installation.settings.public_examinations
        order_threads = installation.settings.queue_length + _THREADS_BESIDE_QUEUE
        installation.publisher.start()
        installation.scores.start()
        image_threads = ThreadPoolExecutor(_IMAGE_THREADS, "countermark-image")
        return cls(
            installation=installation,
            order_threads=ThreadPoolExecutor(order_threads, "countermark-order"),
            order_capacity=CapacityLimiter(order_threads, counts=sharing.counts),
            image_threads=image_threads,
            examination_capacity=CapacityLimiter(
                _IMAGE_THREADS + installation.settings.examination_queue,
                of="examinations",
                hint="Nothing was examined. Try again after the number of seconds in Retry-After.",
                counts=sharing.counts,
            ),
            detection=DetectionService(installation, image_threads),
            public_examinations=sharing.buckets("public_examinations", hourly / 60, hourly),
            job_workers=installation.job_workers(),
            stopping=threading.Event(),
        )

    def close(self) -> None:
        """Wait for the work that runs and drop the work that waits. The installation stays open."""
        self.stopping.set()
        self.job_workers.close(_JOIN_SECONDS)
        for executor in (self.order_threads, self.image_threads):
            executor.shutdown(cancel_futures=True)
        self.installation.scores.close()
        self.installation.publisher.close()


def attach(app: FastAPI, services: Services) -> None:
    """Make `services` those of `app`."""
    app.state.services = services


def services_of(app: FastAPI) -> Services:
    """The services of an application that `create_app` made. Nothing else reads `app.state`."""
    services = app.state.services
    if not isinstance(services, Services):
        raise TypeError("the application was not made by create_app")
    return services


async def _services(request: Request) -> Services:
    return services_of(request.app)


async def _installation(request: Request) -> Installation:
    return services_of(request.app).installation


class ExaminationPlaces:
    """The examinations of one request, which count until it has been answered."""

    def __init__(self, limiter: CapacityLimiter, held: ExitStack) -> None:
        self._limiter = limiter
        self._held = held

    def take(self, files: int) -> None:
        """Raises Busy if so many files cannot be taken on now."""
        self._held.enter_context(self._limiter.reserve(min(files, self._limiter.capacity)))


async def _examination_places(request: Request) -> AsyncIterator[ExaminationPlaces]:
    """Raises Busy before the files are received, if not even one could be taken on."""
    limiter = services_of(request.app).examination_capacity
    limiter.check()
    with ExitStack() as held:
        yield ExaminationPlaces(limiter, held)


CurrentExamination = Annotated[ExaminationPlaces, Depends(_examination_places)]
CurrentServices = Annotated[Services, Depends(_services)]
CurrentInstallation = Annotated[Installation, Depends(_installation)]
