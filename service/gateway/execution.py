"""How a stage runs: timed, stopped on demand, and failing closed."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog

from models import ModelError
from service.generation import OnStep
from service.kit import tracing
from service.kit.errors import Busy, Cancelled, Error, Refusal, StageFailed
from service.kit.metrics import STAGES
from watermark.c2pa.credentials import CredentialError
from watermark.errors import WatermarkError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReleaseObserver:
    """What a caller can follow of a release, and a way to stop it.

    `on_step(done, total)`: a denoising step is done. `on_stage(name, seconds)`: a stage has ended.
    `on_wait(ahead)`: how many images are generated before this one. `cancelled()`: True stops the release.
    """

    on_step: OnStep = field(default=lambda done, total: None)
    on_stage: Callable[[str, float], None] = field(default=lambda stage, seconds: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)
    on_wait: Callable[[int], None] = field(default=lambda ahead: None)


UNOBSERVED = ReleaseObserver()


class Unexpected(Exception):
    """A stage found its own result wrong."""


_SAFE_TO_QUOTE = (Unexpected, TimeoutError, Error, ModelError, CredentialError, WatermarkError)


@contextlib.contextmanager
def stage(name: str, observer: ReleaseObserver) -> Iterator[None]:
    """Time a stage, and turn whatever goes wrong in it into a Refusal.

    Raises:
        Refusal: the one raised inside, Cancelled, or StageFailed for any other exception.
        Busy: as raised inside.
    """
    start = time.perf_counter()
    if observer.cancelled():
        raise Cancelled("the caller cancelled the request", stage=name)
    try:
        with tracing.span(f"stage {name}"):
            yield
    except (Refusal, Busy):
        raise
    except Exception as fault:
        log.error("stage_failed", stage=name, error=type(fault).__name__)
        # Only the messages of our own errors are known to hold no part of a prompt.
        detail = str(fault) if isinstance(fault, _SAFE_TO_QUOTE) else type(fault).__name__
        raise StageFailed(f"stage {name} failed: {detail}", stage=name) from fault
    finally:
        seconds = time.perf_counter() - start
        STAGES.labels(name).observe(seconds)
        observer.on_stage(name, seconds)


def expect(holds: bool, otherwise: str) -> None:
    """Raises Unexpected, which `stage` turns into a Refusal."""
    if not holds:
        raise Unexpected(otherwise)
