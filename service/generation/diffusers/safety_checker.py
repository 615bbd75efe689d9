"""The safety checker that a Stable Diffusion folder brings along, run by us on the finished pixels.

Its arithmetic is that of diffusers' `StableDiffusionSafetyChecker.forward` (Rando et al. 2022,
https://arxiv.org/abs/2210.04610): the picture's CLIP embedding is compared with 17 concepts, each with a threshold
for its cosine, after 3 concepts of special care, which lower the thresholds by 0.01 where they are near.

diffusers passes what its checker could not judge: NaN is above no threshold, and neither is anything where the
concepts were never loaded. Here that is a fault, when it is loaded and at every picture.
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

_SPECIAL_CARE = np.float32(0.01)  # how far the thresholds drop
_EDGE = 0.0005  # diffusers rounds to three decimals before it compares with 0, so between 0 and 0.001 lies the edge
_SCALE = 0.01  # cosine to the score's logit: 0.014 above a threshold scores 0.8


class FolderChecker:
    """The checker of one pipeline folder; thread-safe. Sexual content alone; looks at the middle square."""

    name = "stable_diffusion_safety_checker"

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        """Load the checker of the pipeline in `folder` from its own files alone, and prove that it works.

        Raises:
            ModelMissing: a file of it is not there.
            ModelFault: its weights are incomplete, or never were trained, or its answers cannot be used.
        """
        _require_parts(folder)
        self.identity = f"{folder.resolve().name}/{CHECKER}@1"
        self.digest = folder_digest(folder, CHECKER, EXTRACTOR)
        self._extract = _load_extractor(folder / EXTRACTOR, self.identity)
        self._model = _load_model(folder / CHECKER, self.identity).to(device)
        self._device = device
        self._concepts = self._known(self._model.concept_embeds, self._model.concept_embeds_weights)
        self._special = self._known(self._model.special_care_embeds, self._model.special_care_embeds_weights)
        self._prove()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding for each RGB image (uint8, H x W x 3), label `nsfw`: from 0.5 on diffusers would flag it.

        Raises:
            ModelFault: no image was given, or what the model saw or gave is not finite or of the wrong shape.
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
        import torch  # noqa: PLC0415 - the module is imported where torch is not installed

        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
                raise ModelFault(f"{self.identity}: an image of {image.dtype}, shape {image.shape}, is not 8-bit RGB")
        shown = self._shown(images)
        try:
            with torch.inference_mode():
                pooled = self._model.vision_model(torch.from_numpy(shown).to(self._device))[1]
                found = np.asarray(self._model.visual_projection(pooled).float().cpu().numpy(), np.float32)
        except Exception as fault:  # out of memory and other things of torch's
            raise ModelFault(f"{self.identity}: {fault}") from fault
        if found.shape != (len(images), self._concepts[0].shape[1]):
            raise ModelFault(f"{self.identity}: {len(images)} images in, embeddings of shape {found.shape}")
        return self._unit(found, "the embedding of the picture")

    def _shown(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """What the model is shown: (N, 3, side, side) float32."""
        try:
            shown = np.stack([self._extract(image, return_tensors="np").pixel_values[0] for image in images])
        except Exception as fault:  # its settings come from a file, and transformers trusts them
            raise ModelFault(f"{self.identity}: its {EXTRACTOR} fails: {fault}") from fault
        side = self._model.config.vision_config.image_size
        if shown.shape != (len(images), 3, side, side):
            raise ModelFault(f"{self.identity}: its {EXTRACTOR} gives {shown.shape[1:]}, the model takes {side} px")
        if not np.isfinite(shown).all():
            raise ModelFault(f"{self.identity}: its {EXTRACTOR} gives numbers that are not finite")
        return np.asarray(shown, np.float32)

    def _cosines(self, embedding: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cosine less threshold: of each concept of special care, of each concept."""
        care, concepts = (embeds @ embedding - thresholds for embeds, thresholds in (self._special, self._concepts))
        return care, concepts

    def _known(self, embeds: Any, thresholds: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Concepts as unit rows and their thresholds, if they can ever flag anything.

        diffusers fills what it did not load with ones, others leave zeros or NaN: the one threshold is never reached,
        the other two are compared with nothing.
        """
        rows, limits = (
            np.asarray(tensor.detach().float().cpu().numpy(), np.float32) for tensor in (embeds, thresholds)
        )
        if not ((limits > 0) & (limits < 1)).all():
            raise ModelFault(f"{self.identity}: a concept's threshold is not between 0 and 1: it was never loaded")
        unit = self._unit(rows, "a concept")
        if np.abs(unit - unit[0]).max() < 1e-6:
            raise ModelFault(f"{self.identity}: its concepts are all the same: they were never loaded")
        return unit, limits

    def _unit(self, rows: NDArray[np.float32], what: str) -> NDArray[np.float32]:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 1e-6).all()):
            raise ModelFault(f"{self.identity}: {what} is not finite, or has no length")
        return np.asarray(rows / lengths, np.float32)

    def _prove(self) -> None:
        """Different pictures must look different to it. What it should say of them differs from folder to folder."""
        noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
        seen = self._embed([noise, canary(614), canary(876)])
        margins = [margin(*self._cosines(row)) for row in seen]
        apart = min(float(np.abs(seen[i] - seen[j]).max()) for i, j in ((0, 1), (0, 2), (1, 2)))
        if apart < 1e-5 or not np.isfinite(margins).all():
            raise ModelFault(f"{self.identity}: different pictures look the same to it; it must not be used")


def margin(care: NDArray[np.float32], concepts: NDArray[np.float32]) -> float:
    """How far above its threshold the nearest concept is, in steps of 0.001; above 0 diffusers flags the picture.

    Each concept of special care above its threshold lowers those that come after it, and then all of `concepts`, by
    0.01 together.
    """
    lowered = np.float32(0)
    for one in care:
        if round(one + lowered, 3) > 0:
            lowered = _SPECIAL_CARE
    return float(max(round(one + lowered, 3) for one in concepts))


def brings_checker(folder: Path) -> bool:
    """The pipeline names a safety checker, or has a folder of that name.

    Raises:
        ModelFault: model_index.json cannot be read, or names a checker that is not known here.
    """
    try:
        named = json.loads((folder / "model_index.json").read_bytes()).get(CHECKER) or [None, None]
        kind = named[1]
    except (OSError, ValueError, AttributeError, LookupError, TypeError) as wrong:
        raise ModelFault(f"{folder}: model_index.json does not say which safety checker it has") from wrong
    if kind not in (None, _CLASS):
        raise ModelFault(f"{folder}: its safety checker is a {kind}, which is not known here; only {_CLASS} is")
    return kind is not None or (folder / CHECKER).exists()


def _require_parts(folder: Path) -> None:
    for part in _PARTS:
        if not (folder / part).is_file():
            raise ModelMissing(
                f"the pipeline in {folder} has a safety checker, but {part} is not there: bring it back, or remove "
                f"the {CHECKER} folder and set {CHECKER} to [null, null] in model_index.json"
            )


def _load_model(folder: Path, identity: str) -> Any:
    try:
        import torch  # noqa: PLC0415
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker  # noqa: PLC0415

        model, told = StableDiffusionSafetyChecker.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as broken:  # transformers raises whatever its parsers do
        raise ModelFault(f"{identity}: it cannot be loaded: {broken}") from broken
    for what in ("missing_keys", "mismatched_keys", "error_msgs"):  # transformers fills these with random numbers
        if told[what]:
            raise ModelFault(f"{identity}: its weights are not complete, {what}: {sorted(map(str, told[what]))[:3]}")
    return model.eval()


def _load_extractor(folder: Path, identity: str) -> Any:
    """The variant over Pillow: torchvision is not needed, and it resizes as when the thresholds were found."""
    try:
        from transformers import CLIPImageProcessorPil  # noqa: PLC0415

        extractor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except Exception as broken:
        raise ModelFault(f"{identity}: its {EXTRACTOR} cannot be loaded: {broken}") from broken
    if off := [step for step in _STEPS if not getattr(extractor, step, False)]:
        raise ModelFault(
            f"{identity}: its {EXTRACTOR} leaves out {', '.join(off)}: the model would see another picture"
        )
    return extractor
