"""Drawing on a picture that was sent in: diffusers' image-to-image and inpainting pipelines over the same weights."""

from typing import Any

_CHANNELS = (4, 9)  # latent channels of the UNets that diffusers' inpainting pipelines of Stable Diffusion take


def redrawer(pipeline: Any, *, masked: bool) -> Any | None:
    """The pipeline that draws on a picture, or into a masked part of it, with the parts of this one; None where its
    family has none."""
    from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting  # noqa: PLC0415 - an extra

    auto = AutoPipelineForInpainting if masked and not blends(pipeline) else AutoPipelineForImage2Image
    try:
        found = auto.from_pipe(pipeline)
    except ValueError:  # diffusers: no such pipeline of this family
        return None
    found.set_progress_bar_config(disable=True)
    return found


def blends(pipeline: Any) -> bool:
    """A masked part is drawn by `blending`: diffusers' inpainting does not take this UNet."""
    unet = getattr(pipeline, "unet", None)
    return unet is not None and unet.config.in_channels not in _CHANNELS
