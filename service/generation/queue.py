"""A bounded queue in front of a backend: one thread generates the waiting images in order, compatible ones together.

While one image is generated, the images before it are screened, marked, signed and proved in the threads of their
callers: they hold nothing that the next generation needs.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import structlog
from numpy.typing import NDArray

from models import ModelFault
from service.generation.backend import Backend, Batching, Job, OnStep
from service.generation.backend_proxy import BackendProxy
from service.generation.energy import Meter, open_meter
from service.generation.progress import Progress
from service.kit.errors import Busy
from service.kit.settings import Settings

log = structlog.get_logger()

_POLL_SECONDS = 0.25  # how soon a cancelled or overdue caller is noticed
_BATCH_WAIT_SECONDS = 0.03  # how long an image waits for others that fit into its batch
_IDLE_SECONDS = 60.0  # after which an idle worker thread ends
_RECENT_SAMPLES = 16
_RETRY_SECONDS = 10  # before there are any samples


@dataclass(eq=False)
class _QueuedJob:
    """One job in the queue. `lock` is held while `rendering` and `abandoned` change."""

    job: Job
    progress: Progress
    batch_key: Hashable | None
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    rendering: bool = False
    abandoned: bool = False
    image: NDArray[np.uint8] | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> bool:
        """Start the job unless its caller has left; return whether it was started."""
        with self.lock:
            self.rendering = not self.abandoned
            if self.rendering:
                self.progress.start()
            else:
                self.done.set()
            return self.rendering

    def requeue(self) -> None:
        with self.lock:
            self.rendering, self.since = False, time.monotonic()

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.done.set()

    def complete(self, image: NDArray[np.uint8]) -> None:
        self.image = image
        self.done.set()


class Queue(BackendProxy):
    """A Backend that lets at most `length` images wait in addition to those being generated. Thread-safe."""

    def __init__(
        self, backend: Backend, *, length: int, max_wait: float, batch_size: int = 1, meter: Meter | None = None
    ) -> None:
        """`max_wait`: seconds an image may wait. `batch_size`: how many compatible images are generated in one call,
        if the backend supports it; their pixels then differ by rounding from those generated alone."""
        super().__init__(backend)
        self._batch_size = batch_size if isinstance(backend, Batching) else 1
        self._capacity = length + self._batch_size
        self._max_wait = max_wait
        self._meter = meter or Meter()
        self._changed = threading.Condition()
        self._waiting: list[_QueuedJob] = []
        self._batch: Sequence[_QueuedJob] = ()
        self._recent: deque[float] = deque(maxlen=_RECENT_SAMPLES)  # seconds per image
        self._worker: threading.Thread | None = None

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """Render `job` after the images before it. If `on_step` is a Progress, it learns of waiting and energy.

        Raises:
            Busy: the queue is full, or the image waited for longer than `max_wait`.
            TimeoutError: generating it took longer than its Progress allows.
        """
        progress = on_step if isinstance(on_step, Progress) else Progress(on_step=on_step)
        queued = self._join(job, progress)
        while not queued.done.wait(_POLL_SECONDS):
            self._check_waiting(queued)
        if queued.error is not None:
            raise queued.error
        if queued.image is None:
            raise ModelFault("the queue lost an image")
        return queued.image

    def check_room(self) -> None:
        """See BackendProxy. The queue may still be full by the time the image is submitted."""
        with self._changed:
            self._check_room()

    def retry_after(self) -> int:
        """Estimate in whole seconds when everything now in the queue will be done, from recent durations."""
        with self._changed:
            return self._retry_after()

    def _join(self, job: Job, progress: Progress) -> _QueuedJob:
        progress.waiting(len(self._waiting) + self._in_progress)
        queued = _QueuedJob(job, progress, batch_key(job))
        with self._changed:
            if job.steering:  # a retry after an unsafe image: it has already waited and been admitted
                self._waiting.insert(0, queued)
            else:
                self._check_room()
                self._waiting.append(queued)
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, daemon=True, name="countermark-queue")
                self._worker.start()
            self._changed.notify_all()
        return queued

    def _check_room(self) -> None:
        if len(self._waiting) + self._in_progress >= self._capacity:  # the worker may not have taken a batch yet
            log.info("busy", waiting=len(self._waiting))
            raise Busy(f"the queue is full: {len(self._waiting)} images are waiting", retry_after=self._retry_after())

    def _check_waiting(self, queued: _QueuedJob) -> None:
        """Leave the queue if the caller cancelled or waited too long. A started job is stopped by its own steps."""
        with queued.lock:
            if queued.rendering:
                if queued.progress.left() <= 0:  # the backend hangs: stop waiting for it
                    queued.abandoned = True  # and do not retry the job if its batch fails
                    raise TimeoutError("the generation took too long")
                return
            try:
                queued.progress.waiting(self._position(queued))
                if time.monotonic() - queued.since > self._max_wait:
                    raise Busy(
                        f"the image waited in the queue for longer than {self._max_wait:g} s",
                        retry_after=self.retry_after(),
                    )
            except BaseException:
                queued.abandoned = True
                self._remove(queued)
                raise

    @property
    def _in_progress(self) -> int:
        """Started jobs that are not done. A finished one no longer counts: its caller may submit the next."""
        return sum(not queued.done.is_set() for queued in self._batch)

    def _position(self, queued: _QueuedJob) -> int:
        """The number of images ahead of it."""
        with self._changed:
            return self._in_progress + (self._waiting.index(queued) if queued in self._waiting else 0)

    def _remove(self, queued: _QueuedJob) -> None:
        with self._changed:
            if queued in self._waiting:
                self._waiting.remove(queued)

    def _retry_after(self) -> int:
        if not self._recent:
            return _RETRY_SECONDS
        each = sum(self._recent) / len(self._recent)
        return max(1, math.ceil(each * (len(self._waiting) + self._in_progress)))

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            self._render_queued(batch)

    def _next(self) -> list[_QueuedJob] | None:
        """The first waiting job and those that fit its batch; empty if they have left; None after an idle period."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, _IDLE_SECONDS):
                self._worker = None
                return None
            first = self._waiting[0]
            if self._batch_size > 1 and first.batch_key is not None:
                self._changed.wait_for(lambda: len(self._batchable(first)) >= self._batch_size, _BATCH_WAIT_SECONDS)
            batch = self._batchable(first)[: self._batch_size]
            for queued in batch:
                self._waiting.remove(queued)
            self._batch = batch
            return batch

    def _batchable(self, first: _QueuedJob) -> list[_QueuedJob]:
        """`first`, if it is still waiting, and the jobs behind it that can share its call."""
        key = first.batch_key
        return [queued for queued in self._waiting if queued is first or (key is not None and queued.batch_key == key)]

    def _render_queued(self, batch: Sequence[_QueuedJob]) -> None:
        start, number = time.monotonic(), len(batch)
        try:
            remaining = [queued for queued in batch if queued.begin()] if number > 1 else batch
            if len(remaining) > 1:
                remaining = self._render_together(remaining)
            for queued in remaining:
                self._render_alone(queued)
        finally:
            with self._changed:
                self._batch = ()  # keep no images or prompts
                if number and all(queued.image is not None for queued in batch):
                    self._recent.extend([(time.monotonic() - start) / number] * number)

    def _render_alone(self, queued: _QueuedJob) -> None:
        if not queued.begin():
            return
        try:
            with self._meter.shared_by([queued.progress]):
                image = self._backend.render(queued.job, queued.progress)
            queued.complete(image)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            queued.fail(error)

    def _render_together(self, batch: Sequence[_QueuedJob]) -> Sequence[_QueuedJob]:
        """Render the batch in one call. If it fails, return the jobs to retry alone: it does not say which one is at
        fault."""

        def on_step(done: int, total: int) -> None:
            for queued in batch:
                if queued.error is None:
                    _report_step(queued, done, total)
            if all(queued.error is not None for queued in batch):
                raise _BatchAbandoned

        try:
            with self._meter.shared_by([queued.progress for queued in batch]):
                images = self._render_batch([queued.job for queued in batch], on_step)
        except BaseException as error:  # noqa: BLE001 - the job at fault raises it again when rendered alone
            retries = [queued for queued in batch if queued.error is None]
            if retries:
                log.warning("batch_failed", images=len(batch), error=type(error).__name__)
            for queued in retries:
                queued.requeue()
            return retries
        for queued, image in zip(batch, images, strict=True):
            if queued.error is None:
                queued.complete(image)
        return ()

    def _render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        if not isinstance(self._backend, Batching):
            raise ModelFault("this backend does not support batches")
        images = self._backend.render_batch(jobs, on_step)
        if len(images) != len(jobs):
            raise ModelFault(f"the backend returned {len(images)} images for {len(jobs)} jobs")
        return images


class _BatchAbandoned(Exception):
    """Every caller of a batch has left or was stopped."""


def batch_key(job: Job) -> Hashable | None:
    """Equal for jobs that can share one call: they differ only in prompt, negative prompt and seed, and either all or
    none have a negative prompt. None for jobs that must be rendered alone: steered ones, edits, and those with
    reference images.
    """
    if job.steering or job.canvas is not None or job.references is not None:
        return None
    return replace(job, prompt="", negative_prompt="", seed=0), bool(job.negative_prompt)


def _report_step(queued: _QueuedJob, done: int, total: int) -> None:
    """Report a step to one job of a batch. If that job is stopped, the others go on."""
    try:
        queued.progress(done, total)
    except BaseException as stop:  # noqa: BLE001 - raised again in the caller's thread
        queued.fail(stop)


def open_queue(settings: Settings, backend: Backend) -> Queue:
    """The queue in front of `backend`; it measures the energy of each image."""
    return Queue(
        backend,
        length=settings.queue_length,
        max_wait=settings.queue_timeout,
        batch_size=settings.batch_size,
        meter=open_meter(settings.device, settings.threads, settings.watts_per_core),
    )
