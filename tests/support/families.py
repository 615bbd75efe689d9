"""Tiny randomly initialised folders of the families that draw with a transformer, built on the spot."""

import string
from pathlib import Path

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    AutoencoderKLQwenImage,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    GemmaTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from tests.support.pipelines import clip_text, clip_tokenizer

SPECIAL = ["<pad>", "</s>", "<unk>", "<bos>"]
CHAT = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"
"""What Qwen's tokenizers bring along, shortened."""


def stable_diffusion_3(folder: Path) -> Path:
    """Three text encoders and a transformer over 32 x 32 latents: 256 px."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer(folder / "scratch")
    StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=32, patch_size=2, in_channels=16, out_channels=16, num_layers=1, attention_head_dim=8,
            num_attention_heads=4, caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=64,
            pos_embed_max_size=16,
        ),
        vae=_vae(16),
        text_encoder=CLIPTextModelWithProjection(clip_text()),
        text_encoder_2=CLIPTextModelWithProjection(clip_text()),
        text_encoder_3=_t5(),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        tokenizer_3=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def flux(folder: Path, *, guided: bool = True) -> Path:
    """Packed latents, and with `guided` a guidance the model was distilled with."""
    torch.manual_seed(0)
    FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8),
            guidance_embeds=guided,
        ),
        vae=_vae(4),
        text_encoder=CLIPTextModel(clip_text()),
        text_encoder_2=_t5(),
        tokenizer=clip_tokenizer(folder / "scratch"),
        tokenizer_2=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def pixart_sigma(folder: Path) -> Path:
    """No `callback_on_step_end`, and sizes of its own that it would resample from."""
    torch.manual_seed(0)
    PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=32, patch_size=2, in_channels=4, out_channels=8, num_layers=1, attention_head_dim=8,
            num_attention_heads=2, cross_attention_dim=16, caption_channels=32, norm_num_groups=1,
            use_additional_conditions=False,
        ),
        vae=_vae(4),
        text_encoder=_t5(),
        tokenizer=_t5_tokenizer(),
        scheduler=DPMSolverMultistepScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sana(folder: Path) -> Path:
    """Another autoencoder (32 px a latent pixel at full size, 4 here) and a decoder-only language model."""
    torch.manual_seed(0)
    SanaPipeline(
        transformer=SanaTransformer2DModel(
            patch_size=1, in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
            num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=32,
            sample_size=64,
        ),
        vae=AutoencoderDC(
            in_channels=3, latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock",) * 3,
            decoder_block_types=("ResBlock",) * 3, encoder_block_out_channels=(8, 8, 8),
            decoder_block_out_channels=(8, 8, 8), encoder_qkv_multiscales=((), (), ()),
            decoder_qkv_multiscales=((), (), ()), encoder_layers_per_block=(1, 1, 1),
            decoder_layers_per_block=(1, 1, 1), upsample_block_type="interpolate", downsample_block_type="stride_conv",
            decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.41407,
        ),
        text_encoder=Gemma2Model(
            Gemma2Config(**_DECODER, head_dim=16, vocab_size=len(_characters()), query_pre_attn_scalar=16)
        ),
        tokenizer=GemmaTokenizer(
            vocab={c: i for i, c in enumerate(_characters())}, merges=[], eos_token="</s>", bos_token="<bos>"
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen_image(folder: Path) -> Path:
    """Guidance by `true_cfg_scale`, and a vision-language model that reads the prompt."""
    torch.manual_seed(0)
    tokenizer = _qwen_tokenizer()
    QwenImagePipeline(
        transformer=QwenImageTransformer2DModel(
            patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=32, axes_dims_rope=(8, 4, 4),
        ),
        vae=AutoencoderKLQwenImage(
            base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    **_DECODER, "vocab_size": len(tokenizer),
                    "rope_parameters": {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 10000.0},
                },
                vision_config={"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2,
                               "out_hidden_size": 32},
                vocab_size=len(tokenizer),
            )
        ),
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def z_image(folder: Path) -> Path:
    """A size that stands nowhere in its folder."""
    torch.manual_seed(0)
    tokenizer = _qwen_tokenizer()
    ZImagePipeline(
        transformer=ZImageTransformer2DModel(
            all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=32, n_layers=1, n_refiner_layers=1,
            n_heads=2, n_kv_heads=2, cap_feat_dim=32, axes_dims=[8, 4, 4], axes_lens=[512, 64, 64],
        ),
        vae=_vae(4),
        text_encoder=Qwen3Model(Qwen3Config(**_DECODER, head_dim=16, vocab_size=len(tokenizer))),
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


_DECODER = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2}  # fmt: skip


def _vae(channels: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        latent_channels=channels,
        shift_factor=0.06,
        scaling_factor=1.5,
    )


def _characters() -> list[str]:
    return [*SPECIAL, "▁", *(c for c in string.printable if not c.isspace())]


def _t5() -> T5EncoderModel:
    size = len(_characters())
    return T5EncoderModel(T5Config(vocab_size=size, d_model=32, d_ff=37, d_kv=8, num_heads=4, num_layers=2)).eval()


def _t5_tokenizer() -> T5Tokenizer:
    return T5Tokenizer(vocab=[(c, -1.0) for c in _characters()], extra_ids=0)


def _qwen_tokenizer() -> Qwen2Tokenizer:
    tokens = [*bytes_to_unicode().values(), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Qwen2Tokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[])
    tokenizer.chat_template = CHAT
    return tokenizer
