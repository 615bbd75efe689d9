"""Stable Diffusion through diffusers: any local folder, or a hub id when the operator allows it.

With `safety_checker` beside it the only module of the service that imports torch and diffusers, and only when a
pipeline is loaded. The pipeline's own safety checker and watermark are left out of it: the gateway checks the final
pixels, with the same checker and others, and marks them.
"""

import contextlib
import inspect
import json
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import Card, ModelFault, find_card
from service.errors import BadRequest, Misconfigured, Unavailable
from service.generation.backend import Job, ModelIdentity, OnStep
from service.generation.folders import folder_digest
from service.generation.safe_guidance import STRENGTHS, steered
from service.settings import Settings

EMBEDDED = "scenes-256"
VOCABULARY = "vocabulary.json"
_MULTIPLE = 8
_LARGEST_SIDE = 2048

# Pipelines of SD 1.x/2.x and SDXL, with the parts of theirs that the gateway replaces.
_FAMILIES: Mapping[str, dict[str, Any]] = {
    "StableDiffusionPipeline": {
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    },
    "StableDiffusionXLPipeline": {"add_watermarker": False},
}


class DiffusersBackend:
    """One loaded pipeline. Renders one picture at a time: a scheduler keeps state between steps."""

    def __init__(
        self, pipeline: Any, identity: ModelIdentity, folder: Path, options: Mapping[str, Any] | None = None
    ) -> None:
        """`folder`: where it was loaded from.

        `options`: `steps`, `guidance`, `guidance_rescale`, `sizes` = "native", `words` the model knows.
        """
        self.identity = identity
        self.folder = folder
        self._pipeline = pipeline
        self._options = dict(options or {})
        self._call = inspect.signature(pipeline.__call__).parameters
        self._words = frozenset(self._options.get("words", ()))
        self._lock = threading.Lock()

    @property
    def default_size(self) -> tuple[int, int]:
        side = int(self._pipeline.unet.config.sample_size) * int(self._pipeline.vae_scale_factor)
        return side, side

    @property
    def default_steps(self) -> int:
        return int(self._options.get("steps", self._call["num_inference_steps"].default))

    @property
    def high_steps(self) -> int:
        return int(self._options.get("steps_high", self.default_steps))

    @property
    def default_guidance(self) -> float:
        return float(self._options.get("guidance", self._call["guidance_scale"].default))

    @property
    def most_steering(self) -> int:
        return len(STRENGTHS) if hasattr(self._pipeline, "unet") else 0

    def check(self, job: Job) -> tuple[str, ...]:
        """Warn of words the model was never trained on. Raises BadRequest for a size it cannot draw."""
        size = (job.width, job.height)
        if self._options.get("sizes") == "native" and size != self.default_size:
            width, height = self.default_size
            raise BadRequest(
                f"{self.identity.name} draws {width}x{height} px, not {job.width}x{job.height}",
                hint=f"Leave the size out, ask for {width}x{height}, or have it enlarged: upscale=lanczos.",
            )
        if any(side % _MULTIPLE or side > _LARGEST_SIDE for side in size):
            raise BadRequest(
                f"a size of {job.width}x{job.height} px cannot be drawn",
                hint=f"Use multiples of {_MULTIPLE} up to {_LARGEST_SIDE}.",
            )
        unknown = self._unknown_words(job.prompt)
        return (f"words the model does not know: {', '.join(unknown)}",) if unknown else ()

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """RGB pixels (uint8, height x width x 3), equal for equal jobs. Raises ModelFault as `render_batch`."""
        return self.render_batch([job], on_step)[0]

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
        """Pictures of jobs that are alike (see `queue.alike`), each from its own seed.

        Raises:
            ModelFault: the pipeline gave another number of pictures, or numbers that are not finite.
        """
        import torch  # noqa: PLC0415 - see the module's docstring

        def step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(index + 1, job.steps)
            return tensors

        job = jobs[0]  # what they share is the same in all
        extra = {k: self._options[k] for k in ("guidance_rescale",) if k in self._options and k in self._call}
        with self._lock, torch.inference_mode():
            on_step(0, job.steps)  # it may have been given up while it waited
            with self._steered(job):
                drawn = self._pipeline(
                    prompt=[one.prompt for one in jobs],
                    negative_prompt=[one.negative_prompt for one in jobs] if job.negative_prompt else None,
                    width=job.width,
                    height=job.height,
                    num_inference_steps=job.steps,
                    guidance_scale=job.guidance,
                    generator=[torch.Generator("cpu").manual_seed(one.seed) for one in jobs],
                    callback_on_step_end=step,
                    output_type="np",
                    **extra,
                ).images
        return _pixels(drawn, jobs)

    def _steered(self, job: Job) -> contextlib.AbstractContextManager[None]:
        if not job.steering:
            return contextlib.nullcontext()
        return steered(self._pipeline, STRENGTHS[job.steering - 1], job.steps)

    def _unknown_words(self, prompt: str) -> list[str]:
        if not self._words:
            return []
        spoken = dict.fromkeys(re.findall(r"[^\W\d_]+", prompt.lower()))
        return [word for word in spoken if word not in self._words]


def load_backend(settings: Settings) -> DiffusersBackend:
    """The pipeline the settings name, loaded and ready.

    Raises:
        Unavailable: the `generate` extra is not installed, or the weights are missing or not the right ones.
        Misconfigured: the folder is no pipeline that is supported, or a hub id was not allowed.
    """
    try:
        import diffusers  # noqa: PLC0415
        import torch  # noqa: PLC0415
        import transformers  # noqa: PLC0415
    except ImportError as missing:
        raise Unavailable(
            f"rendering needs the package {missing.name}",
            hint="Install it: pip install 'countermark[generate]'.",
        ) from missing
    torch.set_num_threads(settings.threads)
    for library in (diffusers, transformers):  # we have a progress bar and a log of our own
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    if settings.pipeline == "embedded":
        return _embedded(find_card(EMBEDDED), settings)
    folder = Path(settings.pipeline)
    if not folder.is_dir():
        folder = _download(settings)
    identity = ModelIdentity(folder.resolve().name, "1", folder_digest(folder))
    return DiffusersBackend(_load(folder, settings), identity, folder)


def _embedded(card: Card, settings: Settings) -> DiffusersBackend:
    folder = card.verified_root()
    words = json.loads(card.read(VOCABULARY))["words"]
    identity = ModelIdentity(card.name, card.version, card.digest)
    return DiffusersBackend(_load(folder, settings), identity, folder, {**card.options, "words": words})


def _load(folder: Path, settings: Settings) -> Any:
    import diffusers  # noqa: PLC0415
    import torch  # noqa: PLC0415

    family = _family(folder)
    try:
        pipeline = (
            getattr(diffusers, family)
            .from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=getattr(torch, settings.precision),
                **_FAMILIES[family],
            )
            .to(settings.device)
        )
    except Exception as broken:  # a damaged folder or an absent device raise many unrelated types
        raise Misconfigured(f"the pipeline in {folder} cannot be loaded on {settings.device}: {broken}") from broken
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _family(folder: Path) -> str:
    index = folder / "model_index.json"
    try:
        family = str(json.loads(index.read_bytes())["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Misconfigured(f"{folder} is no diffusers folder: no readable model_index.json") from wrong
    if family not in _FAMILIES:
        raise Misconfigured(f"{family} is not supported; these are: {', '.join(_FAMILIES)}")
    return family


def _download(settings: Settings) -> Path:
    if not settings.allow_hub:
        raise Misconfigured(
            f"{settings.pipeline} is no folder, and downloading is off",
            hint="Set COUNTERMARK_ALLOW_HUB=true to let diffusers fetch it by its hub id.",
        )
    import diffusers  # noqa: PLC0415

    try:
        fetched = diffusers.DiffusionPipeline.download(settings.pipeline, use_safetensors=True)
    except Exception as failed:  # the hub client raises many unrelated types
        raise Unavailable(f"{settings.pipeline} could not be fetched from the hub: {failed}") from failed
    return Path(fetched)


def _pixels(drawn: Any, jobs: Sequence[Job]) -> list[NDArray[np.uint8]]:
    values, job = np.asarray(drawn), jobs[0]
    if values.shape != (len(jobs), job.height, job.width, 3):
        raise ModelFault(f"the pipeline gave an array of shape {values.shape} for {len(jobs)} pictures")
    if not np.isfinite(values).all():
        raise ModelFault("the pipeline gave numbers that are not finite")
    return list(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))
