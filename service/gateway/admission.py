"""Checks of an order before anything is generated: defaults, input images, grants, adapters and the prompt.

The generated image is screened all the same, and grants and adapters are checked again when it is issued.
"""

import contextlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors import Finding
from detectors.prompts import PromptFinding, has_words, is_blank
from service.access.client import Client
from service.adapters.registry import Adapters, ResolvedAdapter
from service.gateway import edit_extent, prompt_policy
from service.gateway.execution import ReleaseObserver, expect, stage
from service.gateway.inputs import OrderInputs, decode_inputs
from service.gateway.options import GatewayOptions
from service.gateway.order import DRAWN_SEEDS, Order
from service.gateway.screening import Screening, ScreeningCriteria
from service.generation import Backend, Job, ModelOptions
from service.kit.deadline import within
from service.kit.errors import BadRequest, Busy, EmptyPrompt, NothingKnown, PromptRefused
from service.likeness.checks import Likeness
from service.likeness.schemas import Grant
from watermark.c2pa.manifest import InputSource
from watermark.tile.codec import MIN_EMBED_SIDE

Size = tuple[int, int]
"""(width, height) in pixels."""

_CHECKED_AT_ONCE = 4  # orders with input images: a decoded one takes hundreds of megabytes


class Screen(Protocol):
    """Reports what a prompt asks for. It decides nothing."""

    def screen(self, prompt: str, negative_prompt: str = "") -> PromptFinding: ...


@dataclass(frozen=True, slots=True)
class AdmittedOrder:
    """An order that may be generated, with every default filled in, and what the checks found."""

    order: Order
    job: Job
    warnings: tuple[str, ...]
    prompt_findings: tuple[Finding, ...]
    grants: tuple[Grant, ...]
    adapters: tuple[ResolvedAdapter, ...]
    inputs: tuple[InputSource, ...]
    threshold: float


class Admission:
    """Checks orders. Thread-safe."""

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
        self._slots = threading.Semaphore(_CHECKED_AT_ONCE)

    def check(self, order: Order, client: Client, observer: ReleaseObserver) -> AdmittedOrder:
        """The order as it will be generated.

        Raises:
            InputError: an input image cannot be read, or the model cannot generate what is asked.
            Busy: too many orders with input images are being checked.
            Refusal: the order must not be generated.
        """
        if type(order) is not Order:
            raise TypeError("the gateway takes an Order")
        with self._slot(order):
            return self._check(order, client, observer)

    @contextlib.contextmanager
    def _slot(self, order: Order) -> Iterator[None]:
        """Bound the memory that decoded input images take."""
        if order.image is None and not order.references:
            yield
            return
        if not self._slots.acquire(timeout=self._options.screen_timeout):
            raise Busy(
                "too many orders with input images are being checked", retry_after=round(self._options.screen_timeout)
            )
        try:
            yield
        finally:
            self._slots.release()

    def _check(self, order: Order, client: Client, observer: ReleaseObserver) -> AdmittedOrder:
        order = Order.model_validate(order.model_dump())  # `model_construct` skips validation; this does not
        if is_blank(order.prompt) and order.image is None and not order.references:
            raise EmptyPrompt
        inputs = decode_inputs(order.image, order.mask, self._options.limits, order.references)
        adapters = self._adapters.resolve(order.adapters)
        size, wanted = self._size(order, inputs)
        job = self._job(order, inputs, adapters, size)
        if job.canvas is not None:
            edit_extent.check_mask(job.canvas, self._options.min_edit_area)
        if min(job.width, job.height) < MIN_EMBED_SIDE:
            raise BadRequest(
                f"an image of {job.width}x{job.height} px is too small to carry the watermark",
                hint=f"Ask for at least {MIN_EMBED_SIDE} px on the short side.",
                param="size",
            )
        told, nothing_known = self._told(job)
        warnings = (
            *told,
            *_wordless_warning(order),
            *_size_warning(size, wanted),
            *self._quality_warning(order),
            *order.file_warnings,
        )
        threshold = min(self._options.safety_threshold, client.safety_threshold, order.safety_threshold or 1.0)
        with stage("admit", observer):
            numbers = (*order.grants, *(adapter.grant for adapter in adapters if adapter.grant))
            grants = self._likeness.permitted(numbers, order.use, client)
            findings = self._prompt(job, self._likeness.names(grants))
            criteria = ScreeningCriteria({grant.subject for grant in grants}, threshold)
            self._screening.inputs([image.picture for image in inputs.images], _pixels_used(job), criteria)
        if nothing_known:
            raise nothing_known
        return AdmittedOrder(
            _with_defaults(order, job),
            job,
            (*warnings, *inputs.notes),
            findings,
            grants,
            adapters,
            inputs.sources,
            threshold,
        )

    def _told(self, job: Job) -> tuple[tuple[str, ...], NothingKnown | None]:
        """The backend's warnings. That it knows nothing of the prompt is raised once the prompt was screened: what must
        be refused is refused and recorded, whatever the model knows."""
        try:
            return self._backend.check(job), None
        except NothingKnown as nothing:
            return (), nothing

    def _prompt(self, job: Job, granted: Sequence[str]) -> tuple[Finding, ...]:
        """Evidence about the prompt, if it does not refuse the order. `granted`: names that the prompt may contain."""
        screen = partial(self._prompts.screen, job.prompt, job.negative_prompt)
        found = within(self._options.screen_timeout, screen)
        expect(prompt_policy.is_answer(found), "the prompt screen gave no usable answer")
        grounds = prompt_policy.grounds(found, granted)
        if grounds.categories:
            raise PromptRefused(grounds.categories, grounds.rules)
        return found.findings

    def _size(self, order: Order, inputs: OrderInputs) -> tuple[Size, Size]:
        """The size that is generated, and the one asked for."""
        backend = self._backend
        width, height = backend.fitting(*inputs.size) if inputs.size else backend.default_size
        wanted = order.width or width, order.height or height
        if order.nearest_size and order.upscale is None:
            return backend.nearest_size(*wanted), wanted
        return wanted, wanted

    def _job(self, order: Order, inputs: OrderInputs, adapters: Sequence[ResolvedAdapter], size: Size) -> Job:
        backend = self._backend
        width, height = size
        return Job(
            prompt=order.prompt,
            negative_prompt=order.negative_prompt,
            seed=secrets.randbelow(DRAWN_SEEDS) if order.seed is None else order.seed,
            width=width,
            height=height,
            steps=order.steps or (backend.high_steps if order.quality == "high" else backend.default_steps),
            guidance=backend.default_guidance if order.guidance is None else order.guidance,
            adapters=tuple(each.adapter for each in adapters),
            canvas=inputs.canvas(backend.default_size if order.upscale else size, order.strength),
            options=ModelOptions(**{name: getattr(order, name) for name in ModelOptions.model_fields}),
            references=inputs.references(backend.reference_digest, order.reference_scale),
        )

    def _quality_warning(self, order: Order) -> tuple[str, ...]:
        same = order.steps or self._backend.high_steps == self._backend.default_steps
        return ("quality has no effect: the number of steps is the same",) if order.quality == "high" and same else ()


def _wordless_warning(order: Order) -> tuple[str, ...]:
    return () if has_words(order.prompt) else ("the prompt has no words: the model may understand nothing of it",)


def _size_warning(size: Size, wanted: Size) -> tuple[str, ...]:
    if size == wanted:
        return ()
    (width, height), (wide, high) = size, wanted
    return (f"generated at {width}x{height} px, the model's nearest size to {wide}x{high}; `upscale` enlarges it",)


def _pixels_used(job: Job) -> list[NDArray[np.uint8]]:
    """The pixels that the model gets to see."""
    return [*([job.canvas.rgb] if job.canvas else []), *(job.references.pictures if job.references else ())]


def _with_defaults(order: Order, job: Job) -> Order:
    """The order with every default filled in: it asks for exactly this image, even if the defaults change."""
    filled = {name: getattr(job, name) for name in ("seed", "width", "height", "steps", "guidance")}
    return order.model_copy(update={**filled, "quality": "standard"})  # the steps are explicit
