"""The training pictures: scene i is a function of the seed and i alone, rendered once to a memory-mapped array.

What is made of the scenes keeps their digest in its name: a folder whose scenes an earlier version of the recipe drew
has other pictures to the same numbers.
"""

from __future__ import annotations

import hashlib
import logging
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from .brushes import SIZE
from .config import Recipe
from .render import render
from .scenes import Scene, sample

log = logging.getLogger(__name__)
CHUNK = 100


def scene_at(seed: int, index: int) -> Scene:
    """Scene `index` of the corpus; the held-out scenes have the indices from `Recipe.scenes` on."""
    return sample(random.Random(f"{seed}/{index}"))


def digest(recipe: Recipe) -> str:
    """Eight hex digits of the facts of all scenes."""
    facts = (repr(scene_at(recipe.seed, index)).encode() for index in range(recipe.scenes + recipe.held_out))
    return hashlib.sha256(b"\n".join(facts)).hexdigest()[:8]


def load(recipe: Recipe) -> np.ndarray:
    """All pictures as uint8 (scenes + held_out, 256, 256, 3), rendered first where they are not on disk yet."""
    path = recipe.out / f"scenes-{digest(recipe)}.npy"
    if not path.exists():
        _render_all(recipe, path)
    return np.load(path, mmap_mode="r")


def _render_all(recipe: Recipe, path: Path) -> None:
    """Renders in parallel to a partial file that takes its name only when complete."""
    total = recipe.scenes + recipe.held_out
    partial = path.with_suffix(".partial.npy")
    array = np.lib.format.open_memmap(partial, "w+", np.uint8, (total, SIZE, SIZE, 3))
    jobs = [(recipe.sprites, recipe.seed, first, min(CHUNK, total - first)) for first in range(0, total, CHUNK)]
    spawning = get_context("spawn")  # a fork of a process with torch's threads in it can wait for ever
    with ProcessPoolExecutor(recipe.workers, spawning) as pool:
        for (_, _, first, count), chunk in zip(jobs, pool.map(_render_chunk, jobs), strict=True):
            array[first : first + count] = chunk
            if first % (20 * CHUNK) == 0:
                log.info("rendered %d of %d scenes", first + count, total)
    array.flush()
    partial.replace(path)


def _render_chunk(job: tuple[Path, int, int, int]) -> np.ndarray:
    sprites, seed, first, count = job
    cv2.setNumThreads(1)  # the processes are the parallelism
    return np.stack([np.asarray(render(scene_at(seed, first + i), sprites)) for i in range(count)])
