"""A bounded queue in front of a backend: one thread draws what waits, in turn, and alike pictures together.

While one picture is drawn, those before it are screened, marked, signed and proved in the threads of their callers:
they hold nothing that the next drawing needs.
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

_POLL_SECONDS = 0.25  # how soon it is seen that a caller has left, or waited too long
_GATHER_SECONDS = 0.03  # how long a picture waits for others that can be drawn with it
_IDLE_SECONDS = 60.0  # a thread that has nothing to draw ends
_REMEMBERED = 16
_RETRY_SECONDS = 10  # before anything was drawn


@dataclass(eq=False)
class _Place:
    """One picture in the queue. `turn` is held where `drawing` and `left` change."""

    job: Job
    progress: Progress
    alike: Hashable | None
    since: float = field(default_factory=time.monotonic)
    turn: threading.Lock = field(default_factory=threading.Lock)
    drawing: bool = False
    left: bool = False
    picture: NDArray[np.uint8] | None = None
    fault: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> bool:
        """It is drawn from now on, unless its caller has left."""
        with self.turn:
            self.drawing = not self.left
            if self.drawing:
                self.progress.drawing()
            else:
                self.done.set()
            return self.drawing

    def wait_again(self) -> None:
        with self.turn:
            self.drawing, self.since = False, time.monotonic()

    def fail(self, fault: BaseException) -> None:
        self.fault = fault
        self.done.set()

    def give(self, picture: NDArray[np.uint8]) -> None:
        self.picture = picture
        self.done.set()


class Queue(BackendProxy):
    """A Backend that lets at most `length` pictures wait, beside one call's worth that is drawn. Thread-safe."""

    def __init__(
        self, backend: Backend, *, length: int, patience: float, batch_size: int = 1, meter: Meter | None = None
    ) -> None:
        """`patience`: seconds a picture waits at most. `batch_size`: so many alike pictures are drawn in one call,
        where the backend can do that; their pixels then differ from those drawn singly by rounding."""
        super().__init__(backend)
        self._most = batch_size if isinstance(backend, Batching) else 1
        self._room = length + self._most
        self._patience = patience
        self._meter = meter or Meter()
        self._changed = threading.Condition()
        self._waiting: list[_Place] = []
        self._batch: Sequence[_Place] = ()
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)  # seconds a picture
        self._worker: threading.Thread | None = None

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """As the backend's own, after the pictures before it. A Progress is told of the waiting and of the energy.

        Raises:
            Busy: the queue is full, or this picture waited longer than it may.
            TimeoutError: it was drawn for longer than its Progress allows.
        """
        progress = on_step if isinstance(on_step, Progress) else Progress(on_step=on_step)
        place = self._join(job, progress)
        while not place.done.wait(_POLL_SECONDS):
            self._still_wanted(place)
        if place.fault is not None:
            raise place.fault
        if place.picture is None:
            raise ModelFault("the queue lost a picture")
        return place.picture

    def check_room(self) -> None:
        """See BackendProxy. There may be none any more when the picture comes to be drawn."""
        with self._changed:
            self._check_room()

    def retry_after(self) -> int:
        """Whole seconds until all that waits now will have been drawn, by what the last pictures took."""
        with self._changed:
            return self._retry_after()

    def _join(self, job: Job, progress: Progress) -> _Place:
        progress.waiting(len(self._waiting) + self._drawing)
        place = _Place(job, progress, alike(job))
        with self._changed:
            if job.steering:  # its first picture was unsafe: it has waited already, and was let in
                self._waiting.insert(0, place)
            else:
                self._check_room()
                self._waiting.append(place)
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, daemon=True, name="countermark-queue")
                self._worker.start()
            self._changed.notify_all()
        return place

    def _check_room(self) -> None:
        if len(self._waiting) + self._drawing >= self._room:  # those that wait may not have been taken up yet
            log.info("busy", waiting=len(self._waiting))
            raise Busy(f"{len(self._waiting)} pictures wait already", retry_after=self._retry_after())

    def _still_wanted(self, place: _Place) -> None:
        """Leave the queue with what its watcher raises, or Busy. What is being drawn is stopped by its steps."""
        with place.turn:
            if place.drawing:
                if place.progress.left() <= 0:  # the backend hangs: it is not waited for beyond its time
                    place.left = True  # nor drawn again, should its batch fail
                    raise TimeoutError("the rendering took too long")
                return
            try:
                place.progress.waiting(self._ahead(place))
                if time.monotonic() - place.since > self._patience:
                    raise Busy(f"the picture waited longer than {self._patience:g} s", retry_after=self.retry_after())
            except BaseException:
                place.left = True
                self._forget(place)
                raise

    @property
    def _drawing(self) -> int:
        """Pictures that are taken up and not done. Whoever has got one counts no more: it may ask for the next."""
        return sum(not place.done.is_set() for place in self._batch)

    def _ahead(self, place: _Place) -> int:
        """Pictures that are drawn before it."""
        with self._changed:
            return self._drawing + (self._waiting.index(place) if place in self._waiting else 0)

    def _forget(self, place: _Place) -> None:
        with self._changed:
            if place in self._waiting:
                self._waiting.remove(place)

    def _retry_after(self) -> int:
        if not self._recent:
            return _RETRY_SECONDS
        each = sum(self._recent) / len(self._recent)
        return max(1, math.ceil(each * (len(self._waiting) + self._drawing)))

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            self._draw(batch)

    def _next(self) -> list[_Place] | None:
        """Those to draw now, the first in turn and those alike; none if they left; None after a time without any."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, _IDLE_SECONDS):
                self._worker = None
                return None
            first = self._waiting[0]
            if self._most > 1 and first.alike is not None:
                self._changed.wait_for(lambda: len(self._like(first)) >= self._most, _GATHER_SECONDS)
            batch = self._like(first)[: self._most]
            for place in batch:
                self._waiting.remove(place)
            self._batch = batch
            return batch

    def _like(self, first: _Place) -> list[_Place]:
        """`first`, if it is still there, and those behind it that can be drawn in one call with it."""
        return [p for p in self._waiting if p is first or (first.alike is not None and p.alike == first.alike)]

    def _draw(self, batch: Sequence[_Place]) -> None:
        start, number = time.monotonic(), len(batch)
        try:
            left = [place for place in batch if place.begin()] if number > 1 else batch
            if len(left) > 1:
                left = self._together(left)
            for place in left:
                self._alone(place)
        finally:
            with self._changed:
                self._batch = ()  # not to keep pictures and prompts
                if number and all(place.picture is not None for place in batch):
                    self._recent.extend([(time.monotonic() - start) / number] * number)

    def _alone(self, place: _Place) -> None:
        if not place.begin():
            return
        try:
            with self._meter.shared_by([place.progress]):
                picture = self._backend.render(place.job, place.progress)
            place.give(picture)
        except BaseException as fault:  # noqa: BLE001 - raised again in the thread of its caller
            place.fail(fault)

    def _together(self, batch: Sequence[_Place]) -> Sequence[_Place]:
        """Draw them in one call. Gives those still to be drawn singly: a failed call does not tell by whose fault."""

        def on_step(done: int, total: int) -> None:
            for place in batch:
                if place.fault is None:
                    _tell(place, done, total)
            if all(place.fault is not None for place in batch):
                raise _NobodyWaits

        try:
            with self._meter.shared_by([place.progress for place in batch]):
                pictures = self._render_batch([place.job for place in batch], on_step)
        except BaseException as fault:  # noqa: BLE001 - the guilty one will raise it again when drawn alone
            again = [place for place in batch if place.fault is None]
            if again:
                log.warning("batch_failed", pictures=len(batch), error=type(fault).__name__)
            for place in again:
                place.wait_again()
            return again
        for place, picture in zip(batch, pictures, strict=True):
            if place.fault is None:
                place.give(picture)
        return ()

    def _render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        if not isinstance(self._backend, Batching):
            raise ModelFault("this backend draws no batches")
        pictures = self._backend.render_batch(jobs, on_step)
        if len(pictures) != len(jobs):
            raise ModelFault(f"{len(pictures)} pictures came of {len(jobs)} jobs")
        return pictures


class _NobodyWaits(Exception):
    """Every caller of a batch has left or was stopped."""


def alike(job: Job) -> Hashable | None:
    """Equal for jobs that can be drawn in one call: all but prompt, negative prompt and seed is the same, and either
    all have a negative prompt or none. None for a job that is drawn alone: one that is steered, or on a picture.
    """
    if job.steering or job.canvas is not None or job.references is not None:
        return None
    return replace(job, prompt="", negative_prompt="", seed=0), bool(job.negative_prompt)


def _tell(place: _Place, done: int, total: int) -> None:
    """One picture of a batch that is not wanted any more ends; the others go on."""
    try:
        place.progress(done, total)
    except BaseException as stop:  # noqa: BLE001 - raised again in the thread of its caller
        place.fail(stop)


def open_queue(settings: Settings, backend: Backend) -> Queue:
    """The queue in front of `backend`, which measures what each picture costs."""
    return Queue(
        backend,
        length=settings.queue_length,
        patience=settings.queue_timeout,
        batch_size=settings.batch_size,
        meter=open_meter(settings.device, settings.threads, settings.watts),
    )
