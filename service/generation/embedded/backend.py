"""The embedded model, in ONNX Runtime and NumPy alone.

It generates the same as diffusers with the same folder, to a rounding error. Adapters change torch's layers, and some
schedulers exist only in diffusers: orders with those go to the backend that `load_torch` gives.
"""

import functools
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import Card, ModelFault
from service.generation.backend import Batching, Job, ModelIdentity, OnStep
from service.generation.canvas import restore_unmasked
from service.generation.embedded import vocabulary
from service.generation.embedded.denoising import Guidance, edit, generate
from service.generation.embedded.networks import Networks
from service.generation.embedded.noise import Noise
from service.generation.embedded.safe_guidance import SafeGuidance
from service.generation.embedded.schedulers import OWN, SCHEDULERS, signal_levels
from service.generation.embedded.tokenizer import PromptTokenizer
from service.generation.safe_latent_diffusion import CONCEPT, NEEDS_GUIDANCE, STRENGTHS
from service.kit.errors import BadRequest

LoadTorch = Callable[[], Batching]


class EmbeddedBackend:
    """Runs one call at a time: more would only slow each other down."""

    most_steering = len(STRENGTHS)
    reference_digest = ""

    def __init__(self, card: Card, folder: Path, networks: Networks, load_torch: LoadTorch) -> None:
        """`folder`: the card's files. `load_torch` loads the same model in torch, or raises Unavailable; it is called
        when the first order needs it.

        Raises:
            ModelFault: a file is not what its name says.
        """
        self.identity = ModelIdentity(card.name, card.version, card.digest)
        self.folder = folder
        options = card.options
        self.default_steps, self.high_steps = int(options["steps"]), int(options["steps_high"])
        self.default_guidance, self._rescale = float(options["guidance"]), float(options["guidance_rescale"])
        self.default_size = networks.size
        self._networks = networks
        known = _json(card, "vocabulary.json")
        self._words, self._shown_words = frozenset[str](known["words"]), vocabulary.shown_words(known)
        self._levels = signal_levels(_json(card, "scheduler/scheduler_config.json"))
        self._tokenizer = PromptTokenizer(
            card.read("tokenizer/tokenizer.json"), limit=int(options["prompt_tokens"]), length=networks.tokens
        )
        self._load_torch = functools.cache(load_torch)
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """The model's own size, whatever the image's."""
        return self.default_size

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        """The model's own size: it has no other."""
        return self.default_size

    def check(self, job: Job) -> tuple[str, ...]:
        """Return warnings about unknown words, lettering and people, and inputs that have no effect.

        Raises:
            BadRequest: the size, the edit or another input of the job is not supported.
            NothingKnown: the model knows no word of the prompt, and there is no image to edit.
            Unavailable: it needs torch, which is not installed.
        """
        self._check_size(job)
        if job.done_steps < 1:
            raise BadRequest("strength times steps is below one step", hint="Use more steps or a higher strength.")
        if job.references is not None:
            raise BadRequest("no IP-Adapter is loaded", hint="Leave the reference images out.")
        if _needs_torch(job):
            return self._torch().check(job)
        if job.canvas is None:
            vocabulary.check_known(job.prompt, self._shown_words)
        return (*vocabulary.warnings(job.prompt, self._words), *self._ignored(job))

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """Return RGB pixels (uint8, height x width x 3), equal for equal jobs. Raises ModelError as `render_batch`."""
        return self.render_batch([job], on_step)[0]

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        """Return the images of a batch of compatible jobs (see `queue.batch_key`), each from its own seed.

        Raises:
            ModelError: a network failed or returned values that are not finite, or an adapter does not fit the model or
                differs from its card.
        """
        job = jobs[0]  # represents what all of them share
        if _needs_torch(job):
            return self._torch().render_batch(jobs, on_step)
        with self._lock:
            on_step(0, job.done_steps)  # stops here if it was cancelled while waiting for the lock
            guidance, steps = self._guidance(jobs), SCHEDULERS[job.options.scheduler or OWN](self._levels, job.steps)
            if job.canvas is None:
                noises = [Noise(one.seed) for one in jobs]
                return self._networks.decode(generate(self._networks, guidance, steps, noises, on_step))
            latents = edit(self._networks, guidance, steps, job.canvas, job.done_steps, job.seed, on_step)
            return [restore_unmasked(rgb, job.canvas) for rgb in self._networks.decode(latents)]

    def _guidance(self, jobs: Sequence[Job]) -> Guidance:
        job = jobs[0]
        texts = [one.prompt for one in jobs]
        if job.guidance > 1:
            texts = [*(one.negative_prompt for one in jobs), *texts]
        if job.steering and (job.guidance <= 1 or len(jobs) != 1):
            raise ModelFault(NEEDS_GUIDANCE)
        steering = SafeGuidance(STRENGTHS[job.steering - 1], job.done_steps) if job.steering else None
        states = self._networks.read(self._tokenizer.ids([*texts, *([CONCEPT] if steering else [])]))
        rescale = self._rescale if job.canvas is None else 0.0  # as in diffusers, whose editing has no such option
        return Guidance(states, job.guidance, rescale, steering)

    def _ignored(self, job: Job) -> tuple[str, ...]:
        """Warnings about inputs without effect."""
        unguided = bool(job.negative_prompt) and job.guidance <= 1
        texts = (("prompt", job.prompt), ("negative prompt", job.negative_prompt))
        too_long = [what for what, text in texts if text and self._tokenizer.too_long(text)]
        limit = self._tokenizer.limit
        return (
            *(("the negative prompt has no effect: it needs guidance above 1",) if unguided else ()),
            *(f"the {what} is too long: the model reads only its first {limit} tokens" for what in too_long),
        )

    def _check_size(self, job: Job) -> None:
        width, height = self.default_size
        if (job.width, job.height) != self.default_size:
            raise BadRequest(
                f"{self.identity.name} generates {width}x{height} px, not {job.width}x{job.height}",
                hint=f"Leave the size out, use {width}x{height}, or upscale with upscale=lanczos.",
            )

    def _torch(self) -> Batching:
        with self._loading:
            return self._load_torch()


def _needs_torch(job: Job) -> bool:
    return bool(job.adapters) or (job.options.scheduler or OWN) not in SCHEDULERS


def _json(card: Card, file: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(card.read(file))
    except ValueError as broken:
        raise ModelFault(f"{card.identity}: {file}: {broken}") from broken
    return found
