"""Reference pictures: what is drawn takes after them, by an IP-Adapter (Ye et al. 2023, https://arxiv.org/abs/2308.06721).

The adapter's image encoder stays loaded; its layers are put on the model for one picture and taken off again, so that
orders without references are drawn by the model alone.
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


class ReferenceAdapter:
    """One IP-Adapter for models with a UNet. Used under the backend's lock."""

    def __init__(self, folder: Path, *, device: str = "cpu", precision: str = "float32") -> None:
        """`folder`: `ip_adapter.safetensors`, and `image_encoder/` as transformers keeps it.

        Raises:
            Misconfigured: a part is missing, incomplete or of another kind.
        """
        if not (folder / WEIGHTS).is_file():
            raise Misconfigured(f"{folder} holds no IP-Adapter: there is no {WEIGHTS}")
        self.digest = folder_digest(folder)
        self._folder = folder
        self._encoder = _encoder(folder / ENCODER, precision).to(device)

    @contextlib.contextmanager
    def on(self, pipeline: Any, references: References) -> Iterator[dict[str, Any]]:
        """Draw after these pictures inside the block: with what it gives in the pipeline's call.

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
            except Exception as unfit:  # what diffusers raises depends on what does not fit
                raise ModelFault(f"the IP-Adapter does not fit this model ({type(unfit).__name__})") from unfit
            yield {"ip_adapter_image": [[Image.fromarray(picture) for picture in references.pictures]]}
        finally:
            pipeline.unload_ip_adapter()


def check(pipeline: Any, adapter: ReferenceAdapter | None, references: References | None) -> None:
    """Raises BadRequest where this model cannot draw after pictures."""
    if references is None:
        return
    if adapter is None:
        raise BadRequest("no IP-Adapter is loaded here", hint="Leave the reference pictures out.")
    if getattr(pipeline, "unet", None) is None or not hasattr(pipeline, "load_ip_adapter"):
        raise BadRequest(f"{type(pipeline).__name__} takes no reference pictures", hint="Leave them out.")


def _encoder(folder: Path, precision: str) -> Any:
    try:
        import torch  # noqa: PLC0415 - an extra
        from transformers import CLIPVisionModelWithProjection  # noqa: PLC0415

        model, told = CLIPVisionModelWithProjection.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=getattr(torch, precision),
            output_loading_info=True,
        )
    except Exception as broken:  # transformers raises whatever its parsers do
        raise Misconfigured(f"the image encoder in {folder} cannot be loaded: {broken}") from broken
    for what in _INCOMPLETE:  # transformers fills these with random numbers
        if told[what]:
            raise Misconfigured(f"the image encoder in {folder} is not complete: {what}")
    return model.eval()
