"""Contact sheet and timing of a pipeline folder: `python -m models.training.image_model.sheet --pipeline DIR`.

Inspected by eye for the model card: `prompts/wide.txt` covers the entire vocabulary, `prompts/first.txt` that of the
first version of the model. Some word orders and synonyms in both are rare in the templates.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

PROMPTS = Path(__file__).with_name("prompts")
CELL, LABEL, COLUMNS = 256, 16, 8


def main() -> None:
    """Generate every prompt with seed 1000 + its index, and write the sheet."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(options.pipeline, local_files_only=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    prompts = options.prompts.read_text().splitlines()[: options.count]
    rows = -(-len(prompts) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + LABEL)), "white")
    start, busy = time.monotonic(), time.process_time()
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
    passed, used = (
        (now - then) / len(prompts) for now, then in ((time.monotonic(), start), (time.process_time(), busy))
    )
    print(f"{passed:.2f} s per image with {options.threads} thread(s), {used:.2f} s of CPU")
    sheet.save(options.sheet)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, default=Path("sheet.png"))
    parser.add_argument("--prompts", type=Path, default=PROMPTS / "wide.txt", help="file with one prompt per line")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--rescale", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
