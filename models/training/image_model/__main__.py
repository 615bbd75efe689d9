"""`python -m models.training.image_model --sprites DIR --out DIR`: from sprites to a pipeline folder."""

from __future__ import annotations

import os

# Idle threads must sleep, not spin: two spinning threads on shared cores cost more time than they save. Read by
# OpenMP when torch is imported, therefore first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import argparse
import dataclasses
import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from . import autoencoder, corpus, decoder, diffusion, export, progress, tokenizer
from .config import Recipe

log = logging.getLogger(__name__)


def main() -> None:
    """Runs the stages in order; each one resumes from, or is skipped for, what lies in the output folder."""
    recipe = _arguments()
    recipe.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pictures = corpus.load(recipe)
    vae = autoencoder.train(recipe, pictures, device)
    held_out = pictures[recipe.scenes :]
    log.info("autoencoder: %.2f dB on held-out scenes", autoencoder.reconstruction_psnr(vae, held_out, device))
    latents = _latents(recipe, vae, pictures, device)
    words = tokenizer.build(recipe)
    folder = recipe.out / "scenes-256"
    training = diffusion.DiffusionTraining(recipe, words, device)
    model = training.run(latents, lambda average: export.write(folder, vae, average, words))
    decoder.train(recipe, vae, pictures, latents, device)
    log.info("autoencoder: %.2f dB with the final decoder", autoencoder.reconstruction_psnr(vae, held_out, device))
    export.write(folder, vae, model, words)
    log.info("pipeline written to %s", folder)


def _latents(recipe: Recipe, vae: AutoencoderKL, pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """The latents of the scenes for diffusion, from disk where a finished run left them."""
    path = recipe.out / "latents.pt"
    if not path.exists():
        chosen = pictures[: min(recipe.scenes, recipe.diffusion_scenes)]
        log.info("encoding %d scenes", len(chosen))
        progress.save(path, {"latents": autoencoder.encode_all(vae, chosen, device).cpu()})
    state = progress.load(path, torch.device("cpu"))
    assert state is not None
    return state["latents"]


def _arguments() -> Recipe:
    parser = argparse.ArgumentParser(prog="python -m models.training.image_model", description=__doc__)
    parser.add_argument("--sprites", type=Path, required=True, help="assets folder of @lobehub/fluent-emoji-3d")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, logs and the finished pipeline")
    for name in ("autoencoder_minutes", "diffusion_minutes", "decoder_minutes", "scenes", "workers", "seed"):
        default = getattr(Recipe, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the training")
    values = vars(parser.parse_args())
    torch.set_num_threads(values.pop("threads"))
    return dataclasses.replace(Recipe(sprites=values.pop("sprites"), out=values.pop("out")), **values)


if __name__ == "__main__":
    main()
