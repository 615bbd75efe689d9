"""Evaluate a pipeline on held-out combinations: `python -m models.training.image_model.evaluate`.

Generates one image for each of N scenes whose combinations are not in the training data, and reports how often the
judge recognises what the prompt says; and the same for the renderer's images of these scenes, which is the ceiling.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import logging
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, StableDiffusionPipeline

from . import corpus, judge
from .captions import caption
from .config import Recipe
from .render import render
from .scenes import Scene, sample
from .vocabulary import CLEAR, PLAIN

log = logging.getLogger(__name__)
RELATIONS = ("left of", "on", "behind")
COUNTS = ("one", "two", "three")
SAMPLERS = {"ddim": DDIMScheduler, "dpm": DPMSolverMultistepScheduler}


def main() -> None:
    options = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    reader = _judge(options, device)
    known = json.loads((options.pipeline / "vocabulary.json").read_text())
    prompts = held_out_prompts(options.count, options.seed, known)
    scenes = [scene for scene, _ in prompts]
    rendered = np.stack([np.asarray(render(scene, options.sprites)) for scene in scenes])
    drawn, seconds = generate(options, [text for _, text in prompts], device)
    report = {
        "pipeline": options.pipeline.name, "prompts": len(scenes), "steps": options.steps,
        "sampler": options.sampler, "guidance": options.guidance, "seconds_per_picture": round(seconds, 2),
        "threads": options.threads, "device": device.type,
        "drawn": score(scenes, judge.read(reader, drawn, device)),
        "rendered": score(scenes, judge.read(reader, rendered, device)),
    }  # fmt: skip
    options.report.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


def held_out_prompts(count: int, seed: int, known: dict[str, Any]) -> list[tuple[Scene, str]]:
    """`count` scenes of held-out combinations with a caption each, within the vocabulary `known`."""
    rng = random.Random(f"held out/{seed}")
    words = set(known["words"])
    chosen: list[tuple[Scene, str]] = []
    while len(chosen) < count:
        scene = sample(rng, kept_out=True)
        text = caption(scene, rng)
        if covers(known, scene) and not set(text.replace(",", " ").split()) - words:
            chosen.append((scene, text))
    return chosen


def covers(known: dict[str, Any], scene: Scene) -> bool:
    """Whether a model with the vocabulary `known` can know what `scene` shows."""
    return (
        all(thing.kind in known["objects"] for thing in scene.things)
        and scene.setting in known["settings"]
        and ("relations" in known or scene.arrangement not in RELATIONS)
        and ("counts" in known or scene.count < 2)
        and ("styles" in known or scene.style == PLAIN)
        and ("weathers" in known or scene.weather == CLEAR)
    )


def generate(options: argparse.Namespace, prompts: list[str], device: torch.device) -> tuple[np.ndarray, float]:
    """Generate one image per prompt, uint8 (N, 256, 256, 3), with seed 1000 + index; and seconds per image."""
    pipeline = StableDiffusionPipeline.from_pretrained(options.pipeline, local_files_only=True, dtype=torch.float32)
    if options.sampler:
        pipeline.scheduler = SAMPLERS[options.sampler].from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device)
    pictures: list[np.ndarray] = []
    start = time.monotonic()
    for first in range(0, len(prompts), options.batch):
        part = prompts[first : first + options.batch]
        images = pipeline(
            part,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            guidance_rescale=options.rescale,
            generator=[torch.Generator().manual_seed(1000 + first + number) for number in range(len(part))],
        ).images
        pictures += [np.asarray(image) for image in images]
    return np.stack(pictures), (time.monotonic() - start) / len(prompts)


def score(scenes: list[Scene], found: list[dict[str, str]]) -> dict[str, dict[str, float]]:
    """For each attribute, the share of correct images, 0..1, and their number.

    Defaults count too: if a prompt does not say, daylight, clear weather and the plain style are expected.

    "object" requires every object by name, in any position; "relation" the arrangement with the objects not swapped;
    "all" everything at once.
    """
    hits: dict[str, list[bool]] = {}
    for scene, answer in zip(scenes, found, strict=True):
        marks = _marks(scene, answer)
        for name, right in [*marks.items(), ("all", all(marks.values()))]:
            hits.setdefault(name, []).append(right)
    return {name: {"right": round(float(np.mean(one)), 4), "of": len(one)} for name, one in sorted(hits.items())}


def _marks(scene: Scene, answer: dict[str, str]) -> dict[str, bool]:
    asked = judge.facts(scene)
    marks = {name: answer[name] == asked[name] for name in ("setting", "weather", "style")}
    if scene.backdrop and asked["backdrop"]:
        marks["backdrop"] = answer["backdrop"] == scene.backdrop
    if not scene.backdrop:
        marks["time"] = answer["time"] == scene.time
    if scene.things:
        named = sorted(thing.kind for thing in scene.things)
        seen = sorted(answer[name] for name in ("first", "second")[: len(named)])
        marks["object"] = seen == named
        if scene.things[0].colour:
            marks["colour"] = answer["colour"] == scene.things[0].colour
    if scene.arrangement in COUNTS:
        marks["count"] = answer["arrangement"] == scene.arrangement
    if scene.arrangement in RELATIONS:
        swapped = answer["first"] == scene.things[1].kind or answer["second"] == scene.things[0].kind
        marks["relation"] = answer["arrangement"] == scene.arrangement and not swapped
    return marks


def table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = ["| attribute | prompts | drawn | renderer (ceiling) |", "| --- | --- | --- | --- |"]
    for name, drawn in report["drawn"].items():
        ceiling = report["rendered"][name]
        lines.append(f"| {name} | {drawn['of']} | {drawn['right']:.1%} | {ceiling['right']:.1%} |")
    return "\n".join(lines)


def _judge(options: argparse.Namespace, device: torch.device) -> judge.Judge:
    recipe = Recipe(options.sprites, options.run, seed=options.corpus_seed)
    pictures, scenes = corpus.load(recipe), list(corpus.scenes(recipe))
    return judge.train(options.run / "judge.pt", pictures, scenes, options.judge_minutes, device)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--sprites", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run, whose scenes train the judge")
    parser.add_argument("--report", type=Path, default=Path("report.json"))
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--sampler", choices=tuple(SAMPLERS), help="sampler instead of the pipeline's own")
    parser.add_argument("--batch", type=int, default=1, help="images generated in one call")
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--rescale", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1, help="seed of the choice of held-out scenes")
    parser.add_argument("--corpus-seed", type=int, default=Recipe.seed)
    parser.add_argument("--judge-minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
