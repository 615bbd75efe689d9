"""Contact sheet and timing of a pipeline folder: `python -m models.training.image_model.evaluate --pipeline DIR`."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

# Judged by eye for the model card. Every object once, every setting, time and most colours; some word orders and
# synonyms that the templates hold only rarely.
PROMPTS = (
    "a red car in a city at night",
    "a blue car on a beach",
    "a dog in a meadow",
    "a cat on a yellow background",
    "a fox in the snow at night",
    "a panda in the mountains",
    "a frog on a pink background",
    "a penguin in the snow",
    "an owl in a meadow at night",
    "a rabbit in a field at sunset",
    "a whale by the sea",
    "a purple butterfly in a garden",
    "a turtle on a beach at sunset",
    "an elephant in the desert",
    "a dinosaur in the mountains at sunset",
    "a duck on a blue background",
    "a rocket on a black background",
    "a rocket in the desert at night",
    "a sailboat by the sea at sunset",
    "a yellow house in a meadow",
    "a blue house in the snow at night",
    "a castle in the mountains",
    "a pine tree in the snow",
    "a palm tree on a beach at sunset",
    "a sunflower on a purple background",
    "a red flower in a meadow",
    "a blue flower on a white background",
    "a red mushroom in a field",
    "a cactus in the desert",
    "a green apple on a red background",
    "a birthday cake on a pink background",
    "a robot in a city at sunset",
    "a snowman in the snow",
    "a green balloon in a city",
    "a red umbrella on a beach",
    "a pink teapot on a grey background",
    "a blue cat in a meadow",
    "a beach at sunset",
    "a picture of a cute puppy in the snow",
    "mushroom, desert, night",
)
CELL, LABEL, COLUMNS = 256, 16, 8


def main() -> None:
    """Draws every prompt with seed 1000 + its number and writes the sheet."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(
        options.pipeline, local_files_only=True, torch_dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    prompts = PROMPTS[: options.count]
    rows = -(-len(prompts) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + LABEL)), "white")
    start = time.monotonic()
    for number, prompt in enumerate(prompts):
        image = pipeline(
            prompt,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            guidance_rescale=options.rescale,
            generator=torch.Generator().manual_seed(options.seed + number),
        ).images[0]
        x, y = number % COLUMNS * CELL, number // COLUMNS * (CELL + LABEL)
        sheet.paste(image, (x, y))
        ImageDraw.Draw(sheet).text((x + 4, y + CELL + 2), prompt, fill="black")
    print(f"{(time.monotonic() - start) / len(prompts):.2f} s per image with {options.threads} thread(s)")
    sheet.save(options.sheet)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, default=Path("sheet.png"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--rescale", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--count", type=int, default=len(PROMPTS))
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
