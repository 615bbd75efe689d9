"""Small adapters for the tiny pipelines, written on the spot."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from service.adapters.approval import Approval, TrainedOnNobody
from service.adapters.registry import AdapterCard
from service.generation.adapter_files import read_adapter
from service.installation import Installation
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits
from tests.support.people import BOB, MODEL, photo

TAGS = {"ss_tag_frequency": json.dumps({"10_ohwx man": {"ohwx man": 10, "smiling": 4}, "1_reg": {"man": 200}})}


def lora(path: Path, denoiser: Any, part: str = "unet", seed: int = 1, metadata: dict[str, str] | None = None) -> Path:
    """A LoRA of rank 2 over every attention query of a UNet or transformer."""
    torch.manual_seed(seed)
    weights = {}
    for name, module in denoiser.named_modules():
        if name.endswith("to_q"):
            weights[f"{part}.{name}.lora_A.weight"] = torch.randn(2, module.in_features)
            weights[f"{part}.{name}.lora_B.weight"] = torch.randn(module.out_features, 2)
    save_file(weights, path, metadata=metadata)
    return path


def wider_lora(path: Path, transformer: Any, layer: str = "x_embedder") -> Path:
    """A LoRA as they are made for control pictures: for a layer with twice as many inputs."""
    module = transformer.get_submodule(layer)
    weights = {
        f"transformer.{layer}.lora_A.weight": torch.ones(2, 2 * module.in_features),
        f"transformer.{layer}.lora_B.weight": torch.ones(module.out_features, 2),
    }
    save_file(weights, path)
    return path


def norm_lora(path: Path, transformer: Any, seed: int = 1) -> Path:
    """A LoRA that also brings a norm layer to be used in the place of the model's own."""
    weights = load_file(lora(path, transformer, "transformer", seed))
    name = next(name for name, _ in transformer.named_parameters() if name.endswith("norm_q.weight"))
    save_file({**weights, f"transformer.{name}": torch.full_like(transformer.get_parameter(name), seed + 1)}, path)
    return path


def any_lora(path: Path, metadata: dict[str, str] | None = None) -> Path:
    """A LoRA that fits no model here."""
    weights = {"unet.mid.lora_A.weight": torch.ones(2, 4), "unet.mid.lora_B.weight": torch.ones(4, 2)}
    save_file(weights, path, metadata=metadata)
    return path


def approval(installation: Installation, likeness: Likeness) -> Approval:
    """The approval of adapters for an installation, by these checks of faces."""
    return Approval(installation.adapters, likeness, ImageLimits(1 << 24, 1 << 24))


def of_bob(approval: Approval, file: Path, folder: Path) -> AdapterCard:
    """An adapter that is declared as nobody's, with Bob in its samples."""
    photo(folder / "samples" / "b.png", BOB)
    photo(folder / "samples" / "grey.PNG", (128, 128, 128))
    (folder / "samples" / "b.txt").write_text("a caption")
    return approval.approve(file, "style", TrainedOnNobody([folder / "samples"]))


def listed(installation: Installation, path: Path, name: str = "style") -> AdapterCard:
    """An adapter on the list that holds nobody, whose one sample shows nobody."""
    file = read_adapter(any_lora(path))
    samples = installation.adapters.seal(name, file.digest, 1, MODEL, [])
    card = AdapterCard(name=name, kind=file.kind, digest=file.digest, size=file.size, samples=samples)
    return installation.adapters.add(file, card)


def word(path: Path, width: int = 32, rows: int = 3) -> Path:
    """A textual inversion."""
    torch.manual_seed(1)
    save_file({"<learnt>": torch.randn(rows, width)}, path)
    return path
