"""Reference images through an IP-Adapter (Ye et al. 2023, https://arxiv.org/abs/2308.06721).

The image encoder stays loaded. The adapter's layers are attached for one image and removed again, so that orders
without references use the plain model.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from models import ModelFault
from service.generation.backend import References
from service.generation.folders import folder_digest
from service.kit.errors import BadRequest, Misconfigured

WEIGHTS, ENCODER = "ip_adapter.safetensors", "image_encoder"
_INCOMPLETE = ("missing_keys", "mismatched_keys", "error_msgs")


class IPAdapter:
    """One IP-Adapter for models with a UNet. Used under the backend's lock."""

    def __init__(self, folder: Path, *, device: str = "cpu", precision: str = "float32") -> None:
        """`folder`: contains `ip_adapter.safetensors` and `image_encoder/` in the format of transformers.

        Raises:
            Misconfigured: a part is missing, incomplete or of the wrong kind.
        """
        if not (folder / WEIGHTS).is_file():
            raise Misconfigured(f"{folder} is not an IP-Adapter: it has no {WEIGHTS}")
        self.digest = folder_digest(folder)
        self._folder = folder
        self._encoder = _encoder(folder / ENCODER, precision).to(device)

    @contextlib.contextmanager
    def attached(self, pipeline: Any, references: References) -> Iterator[dict[str, Any]]:
        """Attach the adapter inside the block; yields the arguments to call the pipeline with.

        Raises:
            ModelFault: the adapter does not fit this model.
        """
        pipeline.register_modules(image_encoder=self._encoder)
        try:
            try:
                pipeline.load_ip_adapter(
                    str(self._folder),
                    subfolder="",
                    weight_name=WEIGHTS,
                    image_encoder_folder=None,
                    local_files_only=True,
                )
                pipeline.set_ip_adapter_scale(references.scale)
            except Exception as unfit:  # diffusers raises many types
                raise ModelFault(f"the IP-Adapter does not fit this model ({type(unfit).__name__})") from unfit
            yield {"ip_adapter_image": [[Image.fromarray(image) for image in references.pictures]]}
        finally:
            pipeline.unload_ip_adapter()


def check_references(pipeline: Any, adapter: IPAdapter | None, references: References | None) -> None:
    """Raise BadRequest if there are references and this model cannot use them."""
    if references is None:
        return
    if adapter is None:
        raise BadRequest("no IP-Adapter is loaded", hint="Leave the reference images out.")
    if getattr(pipeline, "unet", None) is None or not hasattr(pipeline, "load_ip_adapter"):
        raise BadRequest(f"{type(pipeline).__name__} does not support reference images", hint="Leave them out.")


def _encoder(folder: Path, precision: str) -> Any:
    try:
        import torch  # noqa: PLC0415 - an extra
        from transformers import CLIPVisionModelWithProjection  # noqa: PLC0415

        model, loading = CLIPVisionModelWithProjection.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=getattr(torch, precision),
            output_loading_info=True,
        )
    except Exception as broken:  # transformers raises many types
        raise Misconfigured(f"the image encoder in {folder} cannot be loaded: {broken}") from broken
    for what in _INCOMPLETE:  # transformers fills these with random numbers
        if loading[what]:
            raise Misconfigured(f"the image encoder in {folder} is incomplete: {what.replace('_', ' ')}")
    return model.eval()
