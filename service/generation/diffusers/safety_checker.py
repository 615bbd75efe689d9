"""The safety checker of a Stable Diffusion folder, run on the final pixels.

The arithmetic is that of diffusers' `StableDiffusionSafetyChecker.forward` (Rando et al. 2022,
https://arxiv.org/abs/2210.04610): the CLIP embedding of the image is compared with 17 concepts, each with a cosine
threshold, after 3 "special care" concepts, which lower the thresholds by 0.01 if they match.

diffusers passes an image its checker could not judge: NaN exceeds no threshold, and neither does anything if the
concepts were not loaded. Here both are errors, checked at load time and for every image.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import Finding
from detectors.safety.canary import canary
from models import ModelFault, ModelMissing
from service.generation.folders import folder_digest

CHECKER, EXTRACTOR = "safety_checker", "feature_extractor"
_CLASS = "StableDiffusionSafetyChecker"
_PARTS = (f"{CHECKER}/config.json", f"{CHECKER}/model.safetensors", f"{EXTRACTOR}/preprocessor_config.json")
_STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")

_SPECIAL_CARE = np.float32(0.01)  # how much the thresholds drop
_EDGE = 0.0005  # diffusers rounds to three decimals before comparing with 0: the edge is between 0 and 0.001
_SCALE = 0.01  # cosine per unit of logit: 0.014 above a threshold scores 0.8


class FolderChecker:
    """The checker of one pipeline folder. Detects sexual content only, in the centre square. Thread-safe."""

    name = "stable_diffusion_safety_checker"

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        """Load the checker from the pipeline in `folder`, from local files only, and check that it works.

        Raises:
            ModelMissing: a file is missing.
            ModelFault: weights are incomplete or untrained, or results are not usable.
        """
        _require_parts(folder)
        self.identity = f"{folder.resolve().name}/{CHECKER}@1"
        self.digest = folder_digest(folder, CHECKER, EXTRACTOR)
        self._extract = _load_extractor(folder / EXTRACTOR, self.identity)
        self._model = _load_model(folder / CHECKER, self.identity).to(device)
        self._device = device
        self._concepts = self._load_concepts(self._model.concept_embeds, self._model.concept_embeds_weights)
        self._special = self._load_concepts(self._model.special_care_embeds, self._model.special_care_embeds_weights)
        self._self_test()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding per RGB image (uint8, H x W x 3), label `nsfw`. diffusers flags images from 0.5 upwards.

        Raises:
            ModelFault: there are no images, or the model's input or output is not finite or has the wrong shape.
        """
        if not images:
            raise ModelFault(f"{self.identity}: no image to check")
        embeddings = self._embed(images)
        return [self._finding(margin(*self._cosines(row))) for row in embeddings]

    def _finding(self, above: float) -> Finding:
        score = 1 / (1 + math.exp((_EDGE - above) / _SCALE))
        return Finding(self.name, "nsfw", score, self.identity, self.digest)

    def _embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(N, D) float32, each row of length 1."""
        import torch  # noqa: PLC0415 - this module is also imported without torch

        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
                raise ModelFault(f"{self.identity}: an image of {image.dtype}, shape {image.shape}, is not 8-bit RGB")
        shown = self._preprocess(images)
        try:
            with torch.inference_mode():
                pooled = self._model.vision_model(torch.from_numpy(shown).to(self._device))[1]
                found = np.asarray(self._model.visual_projection(pooled).float().cpu().numpy(), np.float32)
        except Exception as fault:  # out of memory and other errors of torch
            raise ModelFault(f"{self.identity}: {fault}") from fault
        if found.shape != (len(images), self._concepts[0].shape[1]):
            raise ModelFault(f"{self.identity}: {len(images)} images in, embeddings of shape {found.shape}")
        return self._unit(found, "the embedding of the image")

    def _preprocess(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The model's input: (N, 3, side, side) float32."""
        try:
            shown = np.stack([self._extract(image, return_tensors="np").pixel_values[0] for image in images])
        except Exception as fault:  # its settings come from a file that transformers trusts
            raise ModelFault(f"{self.identity}: the {EXTRACTOR} failed: {fault}") from fault
        side = self._model.config.vision_config.image_size
        if shown.shape != (len(images), 3, side, side):
            raise ModelFault(f"{self.identity}: the {EXTRACTOR} returns {shown.shape[1:]}, the model needs {side} px")
        if not np.isfinite(shown).all():
            raise ModelFault(f"{self.identity}: the {EXTRACTOR} returns values that are not finite")
        return np.asarray(shown, np.float32)

    def _cosines(self, embedding: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cosine minus threshold, of the special care concepts and of the others."""
        care, concepts = (embeds @ embedding - thresholds for embeds, thresholds in (self._special, self._concepts))
        return care, concepts

    def _load_concepts(self, embeds: Any, thresholds: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The concepts as unit rows, and their thresholds, after checking that they can flag anything.

        diffusers fills concepts it did not load with ones, other loaders leave zeros or NaN; none of them ever flags.
        """
        rows, limits = (
            np.asarray(tensor.detach().float().cpu().numpy(), np.float32) for tensor in (embeds, thresholds)
        )
        if not ((limits > 0) & (limits < 1)).all():
            raise ModelFault(f"{self.identity}: a concept's threshold is not between 0 and 1: it was not loaded")
        unit = self._unit(rows, "a concept")
        if np.abs(unit - unit[0]).max() < 1e-6:
            raise ModelFault(f"{self.identity}: all concepts are the same: they were not loaded")
        return unit, limits

    def _unit(self, rows: NDArray[np.float32], what: str) -> NDArray[np.float32]:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 1e-6).all()):
            raise ModelFault(f"{self.identity}: {what} is not finite or has zero length")
        return np.asarray(rows / lengths, np.float32)

    def _self_test(self) -> None:
        """Different images must get different embeddings. Their scores differ from folder to folder."""
        noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
        embeddings = self._embed([noise, canary(614), canary(876)])
        margins = [margin(*self._cosines(row)) for row in embeddings]
        difference = min(float(np.abs(embeddings[i] - embeddings[j]).max()) for i, j in ((0, 1), (0, 2), (1, 2)))
        if difference < 1e-5 or not np.isfinite(margins).all():
            raise ModelFault(f"{self.identity}: it gives different images the same embedding, so it cannot be used")


def margin(care: NDArray[np.float32], concepts: NDArray[np.float32]) -> float:
    """How far the nearest concept is above its threshold, in steps of 0.001. Above 0 diffusers flags the image.

    Once a special care concept is above its threshold, the thresholds after it and all those of `concepts` drop by
    0.01 (once, however many match).
    """
    lowered = np.float32(0)
    for one in care:
        if round(one + lowered, 3) > 0:
            lowered = _SPECIAL_CARE
    return float(max(round(one + lowered, 3) for one in concepts))


def brings_checker(folder: Path) -> bool:
    """Whether the pipeline names a safety checker or has a folder for one.

    Raises:
        ModelFault: model_index.json cannot be read, or names an unsupported checker.
    """
    try:
        named = json.loads((folder / "model_index.json").read_bytes()).get(CHECKER) or [None, None]
        kind = named[1]
    except (OSError, ValueError, AttributeError, LookupError, TypeError) as wrong:
        raise ModelFault(f"{folder}: model_index.json is not readable, so its safety checker is unknown") from wrong
    if kind not in (None, _CLASS):
        raise ModelFault(f"{folder}: the safety checker {kind} is not supported; only {_CLASS} is")
    return kind is not None or (folder / CHECKER).exists()


def _require_parts(folder: Path) -> None:
    for part in _PARTS:
        if not (folder / part).is_file():
            raise ModelMissing(
                f"the pipeline in {folder} has a safety checker, but {part} is missing: restore it, or remove "
                f"the {CHECKER} folder and set {CHECKER} to [null, null] in model_index.json"
            )


def _load_model(folder: Path, identity: str) -> Any:
    try:
        import torch  # noqa: PLC0415
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker  # noqa: PLC0415

        model, loading = StableDiffusionSafetyChecker.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as broken:  # transformers raises many types
        raise ModelFault(f"{identity} cannot be loaded: {broken}") from broken
    for what in ("missing_keys", "mismatched_keys", "error_msgs"):  # transformers fills these with random numbers
        if loading[what]:
            raise ModelFault(f"{identity}: incomplete weights, {what}: {sorted(map(str, loading[what]))[:3]}")
    return model.eval()


def _load_extractor(folder: Path, identity: str) -> Any:
    """The Pillow variant: it needs no torchvision, and it resizes as when the thresholds were chosen."""
    try:
        from transformers import CLIPImageProcessorPil  # noqa: PLC0415

        extractor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except Exception as broken:
        raise ModelFault(f"{identity}: the {EXTRACTOR} cannot be loaded: {broken}") from broken
    if off := [step for step in _STEPS if not getattr(extractor, step, False)]:
        raise ModelFault(f"{identity}: the {EXTRACTOR} skips {', '.join(off)}: the model would see a different image")
    return extractor
