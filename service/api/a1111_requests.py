"""Requests of A1111's API (`/sdapi/v1/...`), as requests for images here."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.api.generation_requests import ImageEditRequest, ImageGenerationRequest
from service.api.image_inputs import ImageRequest
from service.api.json_bodies import image_in
from service.generation.model_options import Scheduler
from service.kit.errors import BadRequest, bad_field
from service.kit.strict_schema import StrictModel

_SAMPLERS: Mapping[str, Scheduler] = {
    "ddim": "ddim",
    "deis": "deis",
    "dpm++ 2m": "dpmpp_2m",
    "dpm++ 2m karras": "dpmpp_2m",
    "euler": "euler",
    "euler a": "euler_a",
    "heun": "heun",
    "unipc": "unipc",
}
_EXTRA_NETWORK = re.compile(r"<\s*(lora|lyco|locon|hypernet)\s*:", re.IGNORECASE)

_REFUSED = (
    "alwayson_scripts", "enable_hr", "firstpass_image", "infotext", "inpainting_mask_invert", "latent_mask",
    "override_settings", "refiner_checkpoint", "script_name", "styles",
)  # fmt: skip
"""Fields that would make another image than the one that is described, or run other code: only empty ones are taken."""

_WITHOUT_EFFECT = (
    "clip_skip", "comments", "disable_extra_networks", "do_not_save_grid", "do_not_save_samples", "eta",
    "firstphase_height", "firstphase_width", "force_task_id", "hr_additional_modules", "hr_cfg", "hr_checkpoint_name",
    "hr_negative_prompt", "hr_prompt", "hr_resize_x", "hr_resize_y", "hr_sampler_name", "hr_scale", "hr_scheduler",
    "hr_second_pass_steps", "hr_upscaler", "image_cfg_scale", "include_init_images", "initial_noise_multiplier",
    "inpaint_full_res", "inpaint_full_res_padding", "inpainting_fill", "mask_blur", "mask_blur_x", "mask_blur_y",
    "mask_round", "override_settings_restore_afterwards", "refiner_switch_at", "resize_mode", "restore_faces",
    "s_churn", "s_min_uncond", "s_noise", "s_tmax", "s_tmin", "save_images", "scheduler", "script_args",
    "seed_resize_from_h", "seed_resize_from_w", "subseed", "subseed_strength", "tiling",
)  # fmt: skip
"""Fields that clients fill in with A1111's defaults, and that nothing here has."""

_NAMES = {
    "guidance_scale": "cfg_scale",
    "n": "batch_size",
    "num_inference_steps": "steps",
    "size": "width",
    "strength": "denoising_strength",
}
"""What fields of a request here are called there."""

_ADAPTERS = "Leave it out. Adapters on the operator's list are named in `adapters` of /v1/images/generations."

T = TypeVar("T", bound=BaseModel)
Count = Annotated[int, Field(ge=1, le=10)]


class TextToImage(StrictModel):
    """A1111's request for images from text, as far as it has a meaning here."""

    model_config = ConfigDict(strict=False)

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = Field(-1, ge=-1)
    steps: int | None = None
    cfg_scale: float | None = None
    width: int | None = Field(None, ge=1, le=9999)
    height: int | None = Field(None, ge=1, le=9999)
    batch_size: Count = 1
    n_iter: Count = 1
    sampler_name: str | None = None
    sampler_index: str | None = None
    denoising_strength: float | None = None
    send_images: bool = True

    @property
    def sampler(self) -> str | None:
        return self.sampler_name or self.sampler_index

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was sent and is not what it says."""
        unknown = self.sampler is not None and self.sampler.lower() not in _SAMPLERS
        return (f"the sampler is the model's own: {', '.join(_SAMPLERS)} can be named",) if unknown else ()

    def request(self) -> ImageRequest:
        """The same as a request here. Raises BadRequest for a field that cannot be what it is."""
        return ImageRequest(_validated(ImageGenerationRequest, self._fields()))

    def _fields(self) -> dict[str, Any]:
        if _EXTRA_NETWORK.search(self.prompt):
            raise BadRequest("the prompt names an adapter", hint=_ADAPTERS, param="prompt")
        fields = {
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "seed": None if self.seed < 0 else self.seed,
            "num_inference_steps": self.steps,
            "guidance_scale": self.cfg_scale,
            "n": self.batch_size * self.n_iter,
            "size": f"{self.width:02d}x{self.height:02d}" if self.width and self.height else None,
            "scheduler": _SAMPLERS.get(self.sampler.lower()) if self.sampler else None,
        }
        return {name: value for name, value in fields.items() if value is not None}


class ImageToImage(TextToImage):
    """A1111's request for an image to be changed: `init_images`, base64 or `data:` URLs, and a `mask`, white where."""

    init_images: list[str] = Field(min_length=1, max_length=16)
    mask: str | None = None

    def request(self) -> ImageRequest:
        strength = {} if self.denoising_strength is None else {"strength": self.denoising_strength}
        return ImageRequest(
            _validated(ImageEditRequest, {**self._fields(), **strength}),
            tuple(image_in(each, "init_images") for each in self.init_images),
            image_in(self.mask, "mask") if self.mask else None,
        )


def parsed(model: type[T], body: object) -> tuple[T, tuple[str, ...]]:
    """A request, and the fields without effect that were sent.

    Raises:
        BadRequest: a field is unknown, refused, or not what it must be.
    """
    if not isinstance(body, dict):
        return _validated(model, body), ()
    sent = {name: value for name, value in body.items() if value is not None}
    refused = next((name for name in _REFUSED if sent.get(name)), None)
    if refused is not None:
        raise BadRequest(f"{refused} is not supported", hint="Leave it out, or send it empty.", param=refused)
    rest = {name: value for name, value in sent.items() if name not in (*_REFUSED, *_WITHOUT_EFFECT)}
    return _validated(model, rest), tuple(name for name in _WITHOUT_EFFECT if name in sent)


def _validated(model: type[T], fields: object) -> T:
    try:
        return model.model_validate(fields)
    except ValidationError as invalid:
        raise bad_field(invalid.errors(include_input=False, include_url=False), _NAMES) from None
