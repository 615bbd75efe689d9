"""The stages of a generation, as types: Order, Admitted, Draft, Cleared, Marked, Signed, Proven, Released.

Each stage after Order is sealed: calling its class raises, it cannot be subclassed, and an object made by any
other trick (`object.__new__`, copy, pickle, `dataclasses.replace`) is not on the list of genuine ones, which the
next stage checks with `genuine`. The only constructor is handed out once, by `claim_constructor`, to the gateway.
So "unscreened", "unmarked", "unsigned" or "unrecorded" images cannot be expressed. This guards against mistakes
and clever requests; code that runs inside the process can always do what the process can.
"""

import datetime as dt
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors import Finding, Fingerprint
from service.access.client import Client
from service.adapters.registry import ResolvedAdapter
from service.gateway.order import Order
from service.generation import Energy, Job, ModelIdentity
from service.kit.deadline import Running
from service.likeness.schemas import Grant
from service.media.pictures import Mime, OutputFormat
from watermark.c2pa.manifest import InputSource

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Review:
    """An operator looked at a held picture: for which subjects, and the decisions (hashes) that say so in the chain."""

    subjects: frozenset[str]
    decisions: tuple[str, ...]


class _Sealed(type):
    """Metaclass of the stages: their classes cannot be called or extended."""

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{cls.__name__} is made by its stage of the gateway alone")


_genuine: "weakref.WeakSet[Any]" = weakref.WeakSet()
_taken: set[type] = set()


class _Stage(metaclass=_Sealed):
    __slots__ = ("__weakref__",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.__module__ != __name__ or not issubclass(cls, _Stage) or cls.__mro__[1] is not _Stage:
            raise TypeError("the stages of the gateway cannot be extended")

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")


def claim_constructor(stage: Callable[P, T]) -> Callable[P, T]:
    """The one constructor of `stage`. Raises TypeError when asked a second time."""
    if not isinstance(stage, _Sealed):
        raise TypeError(f"{stage} is not a stage")
    if stage in _taken:
        raise TypeError(f"the maker of {stage.__name__} has been handed out already")
    _taken.add(stage)

    def make(*args: P.args, **kwargs: P.kwargs) -> T:
        made: T = type.__call__(stage, *args, **kwargs)
        _genuine.add(made)
        return made

    return make


def require_sealed(value: T, stage: type[T]) -> T:
    """`value` itself, if the gateway made it as a `stage`. Raises TypeError otherwise."""
    if type(value) is not stage or value not in _genuine:
        raise TypeError(f"this is not a {stage.__name__} made by the gateway")
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Admitted(_Stage):
    """An order that may be drawn, with its identities: `content_id` (urn:uuid) and `mark_id` (48 bits).

    `prompt_findings`: evidence about the prompt that did not suffice to refuse it. `given`: the pictures it came with,
    by their digests. `order`: the same order with nothing left open. `review`: it was drawn and held before, and
    an operator looked at it.
    """

    job: Job
    format: OutputFormat
    model: ModelIdentity
    content_id: str
    mark_id: int
    created_at: dt.datetime
    warnings: tuple[str, ...]
    prompt_findings: tuple[Finding, ...]
    grants: tuple[Grant, ...]
    adapters: tuple[ResolvedAdapter, ...]
    safety_threshold: float
    client: Client
    order: Order
    given: tuple[InputSource, ...] = ()
    review: Review | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Draft(_Stage):
    """Pixels nobody has looked at: read-only uint8, height x width x 3. `steering`: see Job.

    `energy` of this drawing and of those before it that were unsafe; None where nobody measured.
    """

    admitted: Admitted
    rgb: NDArray[np.uint8]
    steering: int
    energy: Energy | None


@dataclass(frozen=True, slots=True, eq=False)
class Imprint:
    """A marked picture as a file without a credential yet, its fingerprint, and what was read back from the file: the
    pixels that it shows (read-only uint8, height x width x 3), and how sure the mark in them is (in (0, 1], see
    `watermark.Reading`). It leads nowhere by itself: only what is Marked is signed."""

    data: bytes
    mime: Mime
    fingerprint: Fingerprint
    rgb: NDArray[np.uint8]
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Cleared(_Stage):
    """The draft's very pixels, after every checker found them safe. `marking` of them began while they were checked."""

    draft: Draft
    findings: tuple[Finding, ...]
    marking: Running[Imprint]


@dataclass(frozen=True, slots=True, eq=False)
class Marked(_Stage):
    """A cleared picture with its mark in it."""

    cleared: Cleared
    imprint: Imprint


@dataclass(frozen=True, slots=True, eq=False)
class Signed(_Stage):
    """An encoded file with its Content Credential, and the manifest's bytes for the ledger."""

    marked: Marked
    data: bytes
    mime: Mime
    manifest: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Proven(_Stage):
    """A signed file that shows the very pixels in which the mark was read, and whose credential holds and names it."""

    signed: Signed


@dataclass(frozen=True, slots=True, eq=False)
class Released(_Stage):
    """A file that may leave: its row and decision are in the ledger. `decision` is that decision's hash."""

    proven: Proven
    sha256: str
    decision: str

    @property
    def data(self) -> bytes:
        return self.proven.signed.data

    @property
    def mime(self) -> Mime:
        return self.proven.signed.mime

    @property
    def admitted(self) -> Admitted:
        return self.proven.signed.marked.cleared.draft.admitted

    @property
    def steering(self) -> int:
        """How strongly the picture was steered away from what is unsafe; 0: as asked."""
        return self.proven.signed.marked.cleared.draft.steering

    @property
    def energy(self) -> Energy | None:
        """What drawing it cost; None where nobody measured."""
        return self.proven.signed.marked.cleared.draft.energy

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.proven.signed.marked.cleared.findings
