"""A tiny randomly initialised IP-Adapter for a pipeline with a UNet, built on the spot."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

_SEEN, _TOKENS = 24, 4


def ip_adapter(folder: Path, pipeline: Any) -> Path:
    """`ip_adapter.safetensors` and `image_encoder/`, as the h94/IP-Adapter repository names what they hold."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8,
        projection_dim=_SEEN,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")
    cross = pipeline.unet.config.cross_attention_dim
    state = {
        "image_proj.proj.weight": torch.randn(cross * _TOKENS, _SEEN),
        "image_proj.proj.bias": torch.zeros(cross * _TOKENS),
        "image_proj.norm.weight": torch.ones(cross),
        "image_proj.norm.bias": torch.zeros(cross),
    }
    layers = [name for name in pipeline.unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(layers):
        keys = pipeline.unet.get_submodule(name.rsplit(".", 1)[0]).to_k
        for part in ("to_k_ip", "to_v_ip"):
            state[f"ip_adapter.{2 * number + 1}.{part}.weight"] = torch.randn(keys.out_features, cross)
    save_file(state, folder / "ip_adapter.safetensors")
    return folder
