"""How a stage of the gateway runs: timed, stopped on demand, and failing closed."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog

from models import ModelError
from service.generation import OnStep
from service.kit.errors import Busy, Cancelled, Error, Refusal, StageFailed
from watermark.c2pa.credentials import CredentialError
from watermark.errors import WatermarkError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReleaseObserver:
    """What a caller may observe: how many pictures are drawn first, steps of the rendering, stages with their seconds;
    and a way to stop it."""

    on_step: OnStep = field(default=lambda done, total: None)
    on_stage: Callable[[str, float], None] = field(default=lambda stage, seconds: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)
    on_wait: Callable[[int], None] = field(default=lambda ahead: None)


UNOBSERVED = ReleaseObserver()


class Unexpected(Exception):
    """A stage's own check of its result did not hold."""


_SPOKEN = (Unexpected, TimeoutError, Error, ModelError, CredentialError, WatermarkError)


@contextlib.contextmanager
def stage(name: str, observer: ReleaseObserver) -> Iterator[None]:
    """Time a stage, and turn whatever goes wrong in it into a Refusal.

    Raises:
        Refusal: as raised inside, Cancelled, or StageFailed for everything that is none of ours.
        Busy: as raised inside.
    """
    start = time.perf_counter()
    if observer.cancelled():
        raise Cancelled("the caller cancelled the request", stage=name)
    try:
        yield
    except (Refusal, Busy):
        raise
    except Exception as fault:
        log.error("stage_failed", stage=name, error=type(fault).__name__)
        # Only our own errors' words are known to hold no part of a prompt.
        detail = str(fault) if isinstance(fault, _SPOKEN) else type(fault).__name__
        raise StageFailed(f"stage {name} failed: {detail}", stage=name) from fault
    finally:
        observer.on_stage(name, time.perf_counter() - start)


def expect(holds: bool, otherwise: str) -> None:
    """Raises Unexpected, which a stage makes a Refusal."""
    if not holds:
        raise Unexpected(otherwise)
