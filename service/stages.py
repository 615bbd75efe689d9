"""The stages of a generation, as types: Order, Admitted, Draft, Cleared, Marked, Signed, Proven, Released.

Each stage after Order is sealed: calling its class raises, it cannot be subclassed, and an object made by any
other trick (`object.__new__`, copy, pickle, `dataclasses.replace`) is not on the list of genuine ones, which the
next stage checks with `genuine`. The only constructor is handed out once, by `sole_maker`, to the gateway.
So "unscreened", "unmarked", "unsigned" or "unrecorded" images cannot be expressed. This guards against mistakes
and clever requests; code that runs inside the process can always do what the process can.
"""

import datetime as dt
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors import Finding, Fingerprint
from service.adapters import AdapterChoice, Chosen
from service.clients import Client
from service.consent import Grant, GrantNumber, Scope
from service.deadline import Running
from service.generation import Energy, Job, ModelIdentity, Upscale
from service.generation.schedulers import Scheduler
from service.pictures import Mime, OutputFormat
from watermark.manifest import Source

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_PROMPT = 2000
LARGEST_SEED = 2**63 - 1
MOST_STEPS = 150


SafetyThreshold = Annotated[
    float | None,
    Field(
        gt=0, le=1, allow_inf_nan=False, description="Refuse from this score already; never laxer than the operator."
    ),
]
Quality = Literal["standard", "high"]
"""`high` takes the steps that the model names for it; `steps` in the order has the last word."""
Upscaled = Annotated[
    Upscale | None, Field(description="Draw at the model's own size and enlarge by this method; said in the manifest.")
]
LikenessScope = Annotated[
    Scope | None,
    Field(
        description="What the likeness is used for; every grant must allow it. Unset: `edit` with a picture sent in, "
        "else `portrait`."
    ),
]
ReferenceScale = Annotated[
    float | None,
    Field(gt=0, le=1, allow_inf_nan=False, description="How much it takes after the reference pictures; unset: 0.6."),
]
Strength = Annotated[
    float | None,
    Field(
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="How much of the picture sent in to draw anew; unset: 0.8, in a masked part 1.",
    ),
]


class Order(BaseModel):
    """What a client wishes. Unknown fields are refused: there is no `safety_checker`, no `output_type`, no latents."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT)
    negative_prompt: str = Field("", max_length=LONGEST_PROMPT)
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="Unset: drawn at random and reported.")
    width: int | None = Field(None, ge=64, le=4096, description="Pixels; unset: the model's own size.")
    height: int | None = Field(None, ge=64, le=4096, description="Pixels; unset: the model's own size.")
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    quality: Quality = "standard"
    upscale: Upscaled = None
    guidance: float | None = Field(None, ge=0, le=50, allow_inf_nan=False)
    scheduler: Scheduler | None = Field(None, description="Unset: the model's own.")
    format: OutputFormat = "png"
    safety_threshold: SafetyThreshold = None
    adapters: tuple[AdapterChoice, ...] = Field(
        (), max_length=4, description="Adapters of the operator's list: NAME or NAME:SCALE, scale 0 to 2."
    )
    grants: tuple[GrantNumber, ...] = Field(
        (), max_length=8, description="Grants of people whose likeness it may show."
    )
    scope: LikenessScope = None
    image: bytes | None = Field(None, repr=False, description="File of the picture to change.")
    mask: bytes | None = Field(
        None, repr=False, description="File that is transparent, or else white, where the picture is drawn anew."
    )
    strength: Strength = None
    references: tuple[bytes, ...] = Field(
        (), max_length=4, repr=False, description="Files of pictures that it shall take after."
    )
    reference_scale: ReferenceScale = None

    @model_validator(mode="after")
    def _changes_need_a_picture(self) -> Self:
        if self.image is None and not (self.mask is None and self.strength is None):
            raise ValueError("mask and strength belong to a picture to change: send `image` with them")
        return self

    @model_validator(mode="after")
    def _a_scale_needs_references(self) -> Self:
        if self.reference_scale is not None and not self.references:
            raise ValueError("reference_scale belongs to reference pictures: send some with it")
        return self

    @property
    def use(self) -> Scope:
        """What the likeness is used for."""
        return self.scope or ("portrait" if self.image is None else "edit")


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


def sole_maker(stage: Callable[P, T]) -> Callable[P, T]:
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


def genuine(value: T, stage: type[T]) -> T:
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
    adapters: tuple[Chosen, ...]
    safety_threshold: float
    client: Client
    order: Order
    given: tuple[Source, ...] = ()
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
