"""The first stage: may this order be drawn at all, and as what?

What an order leaves open is filled in, what it brings along is decoded and checked, its grants must be live, and its
prompt must ask for nothing that is refused. The image is screened all the same, and the grants are looked at again
when it is issued.
"""

import contextlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors import Finding
from detectors.prompts import PromptFinding
from service.access.client import Client
from service.adapters.registry import Adapters, ResolvedAdapter
from service.gateway import prompt_policy
from service.gateway.execution import ReleaseObserver, expect, stage
from service.gateway.inputs import OrderInputs, decode_inputs
from service.gateway.options import GatewayOptions
from service.gateway.order import LARGEST_SEED, Order
from service.gateway.screening import Screening, ScreeningCriteria
from service.generation import Backend, Job, ModelOptions
from service.kit.deadline import within
from service.kit.errors import BadRequest, Busy, PromptRefused
from service.likeness.checks import Likeness
from service.likeness.schemas import Grant
from watermark.c2pa.manifest import InputSource
from watermark.tile.codec import MIN_EMBED_SIDE

_LOOKED_AT_ONCE = 4


class Screen(Protocol):
    """Finds out what a prompt asks for, and decides nothing."""

    def screen(self, prompt: str, negative_prompt: str = "") -> PromptFinding: ...


@dataclass(frozen=True, slots=True)
class AdmittedOrder:
    """An order that may be drawn: settled, so that it asks for one very picture, and all that was found out."""

    order: Order
    job: Job
    warnings: tuple[str, ...]
    prompt_findings: tuple[Finding, ...]
    grants: tuple[Grant, ...]
    adapters: tuple[ResolvedAdapter, ...]
    inputs: tuple[InputSource, ...]
    threshold: float


class Admission:
    """Looks at orders, one by one. Thread-safe."""

    def __init__(
        self,
        backend: Backend,
        prompts: Screen,
        screening: Screening,
        likeness: Likeness,
        adapters: Adapters,
        options: GatewayOptions,
    ) -> None:
        self._backend = backend
        self._prompts = prompts
        self._screening = screening
        self._likeness = likeness
        self._adapters = adapters
        self._options = options
        self._turns = threading.Semaphore(_LOOKED_AT_ONCE)

    def check(self, order: Order, client: Client, observer: ReleaseObserver) -> AdmittedOrder:
        """The order as it will be drawn.

        Raises:
            InputError: a picture sent in cannot be read, or the backend cannot do what is asked.
            Busy: too many orders with pictures are looked at already.
            Refusal: it must not be drawn.
        """
        if type(order) is not Order:
            raise TypeError("the gateway takes an Order")
        with self._turn(order):
            return self._check(order, client, observer)

    @contextlib.contextmanager
    def _turn(self, order: Order) -> Iterator[None]:
        """Few orders with pictures at once: a decoded one takes hundreds of megabytes."""
        if order.image is None and not order.references:
            yield
            return
        if not self._turns.acquire(timeout=self._options.screen_timeout):
            raise Busy("too many pictures are being looked at", retry_after=round(self._options.screen_timeout))
        try:
            yield
        finally:
            self._turns.release()

    def _check(self, order: Order, client: Client, observer: ReleaseObserver) -> AdmittedOrder:
        order = Order.model_validate(order.model_dump())  # `model_construct` skips validation; this does not
        taken = decode_inputs(order.image, order.mask, self._options.limits, order.references)
        chosen = self._adapters.resolve(order.adapters)
        job = self._job(order, taken, chosen)
        if min(job.width, job.height) < MIN_EMBED_SIDE:
            raise BadRequest(
                f"a picture of {job.width}x{job.height} px is too small to carry the mark",
                hint=f"Ask for {MIN_EMBED_SIDE} px or more on the short side.",
            )
        warnings = (*self._backend.check(job), *self._one_quality(order))
        threshold = min(self._options.safety_threshold, client.safety_threshold, order.safety_threshold or 1.0)
        with stage("admit", observer):
            wanted = (*order.grants, *(one.grant for one in chosen if one.grant))
            grants = self._likeness.permitted(wanted, order.use, client)
            findings = self._prompt(job, self._likeness.names(grants))
            criteria = ScreeningCriteria({grant.subject for grant in grants}, threshold)
            self._screening.inputs([given.picture for given in taken.pictures], _used(job), criteria)
        return AdmittedOrder(_settled(order, job), job, warnings, findings, grants, chosen, taken.sources, threshold)

    def _prompt(self, job: Job, granted: Sequence[str]) -> tuple[Finding, ...]:
        """Evidence about the prompt, if it is none to refuse by. `granted`: names that it may say."""
        ask = partial(self._prompts.screen, job.prompt, job.negative_prompt)
        found = within(self._options.screen_timeout, ask)
        expect(prompt_policy.is_answer(found), "the prompt screen gave no usable answer")
        grounds = prompt_policy.grounds(found, granted)
        if grounds.categories:
            raise PromptRefused(grounds.categories, grounds.rules)
        return found.findings

    def _job(self, order: Order, taken: OrderInputs, chosen: Sequence[ResolvedAdapter]) -> Job:
        backend = self._backend
        width, height = backend.fitting(*taken.size) if taken.size else backend.default_size
        width, height = order.width or width, order.height or height
        return Job(
            prompt=order.prompt,
            negative_prompt=order.negative_prompt,
            seed=uuid.uuid4().int & LARGEST_SEED if order.seed is None else order.seed,
            width=width,
            height=height,
            steps=order.steps or (backend.high_steps if order.quality == "high" else backend.default_steps),
            guidance=backend.default_guidance if order.guidance is None else order.guidance,
            adapters=tuple(one.adapter for one in chosen),
            canvas=taken.canvas(backend.default_size if order.upscale else (width, height), order.strength),
            options=ModelOptions(**{name: getattr(order, name) for name in ModelOptions.model_fields}),
            references=taken.references(backend.reference_digest, order.reference_scale),
        )

    def _one_quality(self, order: Order) -> tuple[str, ...]:
        same = order.steps or self._backend.high_steps == self._backend.default_steps
        return ("quality changes nothing: the steps are the same",) if order.quality == "high" and same else ()


def _used(job: Job) -> list[NDArray[np.uint8]]:
    """The pixels that the model is shown."""
    return [*([job.canvas.rgb] if job.canvas else []), *(job.references.pictures if job.references else ())]


def _settled(order: Order, job: Job) -> Order:
    """The order with nothing left open: it asks for this very picture, whatever the defaults will be."""
    settled = {name: getattr(job, name) for name in ("seed", "width", "height", "steps", "guidance")}
    return order.model_copy(update={**settled, "quality": "standard"})  # the steps say it all
