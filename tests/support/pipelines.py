"""Tiny randomly initialised diffusers folders of each supported layout, built on the spot."""

import functools
import json
import shutil
import string
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from service.kit.settings import Settings

LENGTH = 16
SEEN = 32


def settings_of(home: Path) -> Settings:
    """A fixed key, so that every run marks the same pixels: in the noise that an untrained pipeline draws, the mark of
    one key in ten does not read back."""
    return Settings(home=home, threads=1, provider="Test", watermark_secret="the pipelines' own secret")


def made_once(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Makes the folder the first time in this process, and a copy of it every other time."""
    made: list[tempfile.TemporaryDirectory[str]] = []

    @functools.wraps(make)
    def copied(folder: Path) -> Path:
        if not made:
            made.append(tempfile.TemporaryDirectory(prefix="countermark-pipeline-"))
            make(Path(made[0].name) / "pipeline")
        shutil.copytree(Path(made[0].name) / "pipeline", folder)
        return folder

    return copied


@made_once
def stable_diffusion(folder: Path) -> Path:
    """A StableDiffusionPipeline folder that draws 256 x 256 px noise in milliseconds."""
    torch.manual_seed(0)
    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(clip_text()),
        tokenizer=clip_tokenizer(folder / "scratch"),
        unet=unet(cross=32),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


@made_once
def stable_diffusion_xl(folder: Path) -> Path:
    """The same in SDXL's layout: two text encoders, size embeddings."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer(folder / "scratch")
    StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(clip_text()),
        text_encoder_2=CLIPTextModelWithProjection(clip_text()),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=unet(cross=64, addition_embed_type="text_time", addition_time_embed_dim=8,
                   projection_class_embeddings_input_dim=32 + 6 * 8),
        scheduler=_scheduler(),
        add_watermarker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def add_safety_checker(folder: Path, *, published: bool = False) -> Path:
    """A random, tiny StableDiffusionSafetyChecker in a pipeline's folder, made if need be, and named by its index.

    `published`: with the names that the weights of Stable Diffusion 1.x have, which older libraries wrote.
    """
    torch.manual_seed(0)
    checker = StableDiffusionSafetyChecker(_clip())
    for concepts in (checker.concept_embeds, checker.special_care_embeds):
        concepts.data = torch.randn_like(concepts)
    for thresholds in (checker.concept_embeds_weights, checker.special_care_embeds_weights):
        thresholds.data = torch.full_like(thresholds, 0.99)  # passes everything
    checker.save_pretrained(folder / "safety_checker")
    CLIPImageProcessorPil(size={"shortest_edge": SEEN}, crop_size=SEEN).save_pretrained(folder / "feature_extractor")
    if published:
        change_weights(folder, _published_names)
    index = folder / "model_index.json"
    values = json.loads(index.read_text()) if index.exists() else {"_class_name": "StableDiffusionPipeline"}
    index.write_text(json.dumps({**values, "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"]}))
    return folder


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    """Rewrites the safety checker's weights."""
    path = folder / "safety_checker" / "model.safetensors"
    weights = {name: tensor.clone() for name, tensor in load_file(path).items()}
    save_file(change(weights), path, metadata={"format": "pt"})


def _published_names(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    inner = "vision_model.vision_model."
    renamed = {
        name if name.startswith(inner) else name.replace("vision_model.", inner): value
        for name, value in weights.items()
    }
    positions = torch.arange((SEEN // 8) ** 2 + 1)[None]
    return {**renamed, inner + "embeddings.position_ids": positions}


def _clip() -> CLIPConfig:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return CLIPConfig(
        text_config=tower,
        vision_config={**tower, "image_size": SEEN, "patch_size": 8, "projection_dim": 12},
        projection_dim=12,
    )


def vae(groups: int = 4, channels: int = 4) -> AutoencoderKL:
    """Random weights; latents of so many channels, an eighth of the picture's side."""
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=groups,
        latent_channels=channels,
    )


def unet(cross: int, heads: int = 4, channels: tuple[int, int] = (8, 16), **more: object) -> UNet2DConditionModel:
    """Random weights over 32 x 32 latents of 4 channels; `cross`: width of the text states."""
    return UNet2DConditionModel(
        sample_size=32,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross,
        attention_head_dim=heads,
        norm_num_groups=4,
        **more,
    )


def _scheduler() -> DDIMScheduler:
    return DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def clip_text() -> CLIPTextConfig:
    size = 2 * len(string.printable) + 2
    return CLIPTextConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        projection_dim=32,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )


def clip_tokenizer(folder: Path) -> CLIPTokenizer:
    """One token a printable character."""
    folder.mkdir(parents=True)
    tokens = [*string.printable, *(c + "</w>" for c in string.printable), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=LENGTH)
