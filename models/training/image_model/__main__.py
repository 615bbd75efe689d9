"""Train the embedded image model: `python -m models.training.image_model --sprites DIR --out DIR`.

The same command resumes an interrupted run, and continues a finished one when given more minutes for the denoiser or
the decoder.
"""

from __future__ import annotations

import os

# Idle threads must sleep, not spin: two spinning threads on shared cores cost more time than they save. OpenMP reads
# this when torch is imported, so it comes first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import argparse
import dataclasses
import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from . import autoencoder, corpus, decoder, diffusion, export, graph, progress, text_pretraining, tokenizer, warm_start
from .config import GPU, Recipe
from .networks import TextToLatents, place
from .scenes import Scene

log = logging.getLogger(__name__)


def main() -> None:
    recipe = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run(recipe, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def run(recipe: Recipe, device: torch.device) -> Path:
    """Run the stages in order and return the pipeline's folder. Finished stages are skipped, others resume."""
    recipe.out.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.benchmark = True  # every batch of a stage has the same shape
    pictures = corpus.load(recipe)
    vae = autoencoder.train(recipe, pictures, device)
    held_out = pictures[recipe.training :]
    log.info("autoencoder: %.2f dB on held-out scenes", autoencoder.reconstruction_psnr(vae, held_out, device))
    latents = _latents(recipe, vae, pictures, device)
    words = tokenizer.build(recipe)
    scenes = list(corpus.scenes(recipe)[: recipe.training])
    cells = diffusion.object_weights(scenes, recipe.sprites, latents.shape[-1], recipe.object_gain)
    folder = recipe.out / "scenes-256"
    training = _denoiser(recipe, words, scenes, latents, cells, device)
    model = training.run(latents, cells, lambda average: export.write(folder, vae, average, words))
    decoder.train(recipe, vae, pictures, latents, training.estimates(), device)
    log.info("autoencoder: %.2f dB with the final decoder", autoencoder.reconstruction_psnr(vae, held_out, device))
    export.write(folder, vae, model, words)
    graph.write(folder)
    log.info("pipeline written to %s", folder)
    return folder


def _denoiser(
    recipe: Recipe,
    words: CLIPTokenizer,
    scenes: list[Scene],
    latents: torch.Tensor,
    cells: torch.Tensor,
    device: torch.device,
) -> diffusion.DiffusionTraining:
    """The training of text encoder and denoiser, after the text encoder is pretrained."""
    torch.manual_seed(recipe.seed)
    model = TextToLatents(recipe, words)
    warm_start.copy_denoiser(model.unet, recipe.start)
    place(model, device)
    if not (recipe.out / diffusion.FILE).exists():  # it includes the pretrained text encoder
        text_pretraining.train(recipe, model, words, scenes, latents, cells, device)
    return diffusion.DiffusionTraining(recipe, model, words, scenes, device)


def _latents(recipe: Recipe, vae: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """The latents of the training scenes, from disk if they are there."""
    path = recipe.out / f"latents-{corpus.digest(recipe)}.pt"
    if not path.exists():
        log.info("encoding %d scenes", recipe.training)
        progress.save(path, {"latents": autoencoder.encode_all(vae, pictures[: recipe.training], device).cpu()})
    state = progress.load(path, torch.device("cpu"))
    assert state is not None
    result: torch.Tensor = state["latents"]
    return result


def _arguments() -> Recipe:
    parser = argparse.ArgumentParser(prog="python -m models.training.image_model", description=__doc__)
    parser.add_argument("--sprites", type=Path, required=True, help="assets folder of @lobehub/fluent-emoji-3d")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, curves and the pipeline")
    parser.add_argument("--start", type=Path, help="pipeline folder to copy weights from, where they fit")
    parser.add_argument("--gpu", action="store_true", help="use the sizes for a GPU, see config.GPU")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    for field in dataclasses.fields(Recipe):
        if isinstance(field.default, int | float):
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    parser.add_argument("--unet-channels", type=int, nargs=4)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    torch.set_num_threads(given.pop("threads"))
    if channels := given.pop("unet_channels", None):
        given["unet_channels"] = tuple(channels)
    return Recipe(**{**(GPU if given.pop("gpu") else {}), **given})


if __name__ == "__main__":
    main()
