"""Image editing: the image-to-image and inpainting pipelines of diffusers, over the same weights."""

from typing import Any

_CHANNELS = (4, 9)  # latent channels of the UNets that diffusers' Stable Diffusion inpainting pipelines accept


def image_to_image_pipeline(pipeline: Any, *, masked: bool) -> Any | None:
    """The pipeline that edits an image, or a masked area of it, with the components of `pipeline`; None if diffusers
    has none for this class."""
    from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting  # noqa: PLC0415 - an extra

    auto = AutoPipelineForInpainting if masked and not needs_blending(pipeline) else AutoPipelineForImage2Image
    try:
        found = auto.from_pipe(pipeline)
    except ValueError:  # diffusers has no such pipeline
        return None
    found.set_progress_bar_config(disable=True)
    return found


def needs_blending(pipeline: Any) -> bool:
    """Masks need `blending`, because diffusers' inpainting does not accept this UNet."""
    unet = getattr(pipeline, "unet", None)
    return unet is not None and unet.config.in_channels not in _CHANNELS
