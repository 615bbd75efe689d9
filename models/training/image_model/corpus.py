"""The training images: scene i depends only on the seed and i, and is rendered once into a memory-mapped array.

Files derived from the scenes have their digest in the name: an earlier version of the recipe may have rendered other
images for the same indices.
"""

from __future__ import annotations

import hashlib
import logging
import random
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import count, islice
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
    """Scene `index` of the corpus."""
    return sample(random.Random(f"{seed}/{index}"))


@cache
def scenes(recipe: Recipe) -> tuple[Scene, ...]:
    """All scenes in the order of their images: `recipe.training` training scenes, then the held-out ones.

    The first training scenes are unfiltered. The additional ones are selected from the indices after the held-out
    ones: all scenes with two objects, half of those with several of one, a fifth of the rest.
    """
    held_out = range(recipe.scenes, recipe.scenes + recipe.held_out)
    later = ((index, scene_at(recipe.seed, index)) for index in count(held_out.stop))
    further = islice((scene for index, scene in later if _is_picked(scene, index)), recipe.further)
    first, last = ((scene_at(recipe.seed, index) for index in part) for part in (range(recipe.scenes), held_out))
    return (*first, *further, *last)


def _is_picked(scene: Scene, index: int) -> bool:
    return len(scene.things) == 2 or (scene.count > 1 and index % 2 == 1) or index % 5 == 0


def digest(recipe: Recipe) -> str:
    """Eight hex digits over the facts of all scenes."""
    return hashlib.sha256(b"\n".join(repr(scene).encode() for scene in scenes(recipe))).hexdigest()[:8]


def load(recipe: Recipe) -> np.ndarray:
    """The images of all `scenes` as uint8 (N, 256, 256, 3), rendered first if they are not on disk."""
    path = recipe.out / f"scenes-{digest(recipe)}.npy"
    if not path.exists():
        _render_all(recipe, path)
    result: np.ndarray = np.load(path, mmap_mode="r")
    return result


def _render_all(recipe: Recipe, path: Path) -> None:
    """Render in parallel to a partial file, which is renamed once complete."""
    every = scenes(recipe)
    partial = path.with_suffix(".partial.npy")
    array = np.lib.format.open_memmap(partial, "w+", np.uint8, (len(every), SIZE, SIZE, 3))
    starts = range(0, len(every), CHUNK)
    jobs = [(recipe.sprites, every[first : first + CHUNK]) for first in starts]
    spawning = get_context("spawn")  # forking a process with torch threads can deadlock
    with ProcessPoolExecutor(recipe.workers, spawning) as pool:
        for first, chunk in zip(starts, pool.map(_render_chunk, jobs), strict=True):
            array[first : first + len(chunk)] = chunk
            if first % (20 * CHUNK) == 0:
                log.info("rendered %d of %d scenes", first + len(chunk), len(every))
    array.flush()
    partial.replace(path)


def _render_chunk(job: tuple[Path, tuple[Scene, ...]]) -> np.ndarray:
    sprites, chunk = job
    cv2.setNumThreads(1)  # parallelism comes from the processes
    return np.stack([np.asarray(render(scene, sprites)) for scene in chunk])
