"""Text encoder and denoiser, and the noise schedule they are trained and sampled with."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .config import Recipe

TRAIN_STEPS = 1000


class TextToLatents(nn.Module):
    """Text encoder and denoiser, which are trained together."""

    def __init__(self, recipe: Recipe, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text = build_text_encoder(recipe, tokenizer)
        self.unet = build_unet(recipe)

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Predicted velocity, like `noisy` (B, C, 32, 32), at `times` (B,) given token `ids` (B, L)."""
        result: torch.Tensor = self.unet(noisy, times, self.text(ids).last_hidden_state).sample
        return result


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """Move `model` to `device` in place; on a GPU convolutions are fastest with the channels last."""
    model.to(device)
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch supports this but does not declare it
    return model


def build_text_encoder(recipe: Recipe, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.text_width,
            intermediate_size=4 * recipe.text_width,
            projection_dim=recipe.text_width,
            num_hidden_layers=recipe.text_layers,
            num_attention_heads=recipe.attention_heads,
            max_position_embeddings=recipe.text_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def build_unet(recipe: Recipe) -> UNet2DConditionModel:
    """Attention only at 8 x 8 and 4 x 4: at 16 x 16 it would add half of the total cost."""
    plain, attentive = ("DownBlock2D",) * 2, ("CrossAttnDownBlock2D",) * 2
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        layers_per_block=1,
        block_out_channels=recipe.unet_channels,
        down_block_types=plain + attentive,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",) * 2,
        cross_attention_dim=recipe.text_width,
        attention_head_dim=recipe.attention_heads,  # diffusers reads this as the number of heads
        norm_num_groups=16,
        use_linear_projection=True,
        # The pooled text also joins the time embedding, which scales and shifts every block. With attention at the
        # low resolutions alone, 1,400 steps taught the network nothing from the text: its path is too long.
        addition_embed_type="text",
        addition_embed_type_num_heads=recipe.attention_heads,
        resnet_time_scale_shift="scale_shift",
    )


def build_scheduler() -> DDIMScheduler:
    """Zero terminal SNR and trailing steps (Lin et al. 2024), without which images cannot be dark or plain."""
    return DDIMScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
