"""Where the watermark's time goes: by image size, by pool size, and by function.

    python benchmarks/watermark_speed.py

CPU time of one core, medians over photographs. Set OMP_NUM_THREADS=1; OpenCV is limited to one thread here.
"""

import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.watermark_attacks import Rgb, sized
from benchmarks.watermark_pictures import photos
from watermark import Codec, Keyring

SECRET = b"benchmark keyring, not for use"
SIDES = (256, 512, 1024, 2048, 4096)
POOLS = (1, 4, 8, 16)
PARTS = {
    "embed": ("survives", "_mark", "_added", "reads_back"),
    "miss": ("__init__", "_rough_scores", "_seeds", "_refined", "_first_decoded", "read_resized"),
}
"""The functions whose share is printed; `__init__` is that of the fine spectrum."""


def median_ms(work: Callable[[Rgb], object], images: list[Rgb]) -> float:
    seconds = []
    for rgb in images:
        start = time.process_time()
        work(rgb)
        seconds.append(time.process_time() - start)
    return 1e3 * float(np.median(seconds))


def shares(work: Callable[[Rgb], object], images: list[Rgb], names: tuple[str, ...]) -> str:
    """The share of the total time that each function took, including the functions that it called."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for rgb in images:
        work(rgb)
    profile.disable()
    stats = pstats.Stats(profile)
    spent: dict[str, float] = dict.fromkeys(names, 0.0)
    for (path, _, name), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        if name in spent and "watermark" in path and (name != "__init__" or "spectrum" in path):
            spent[name] += cumulative
    return ", ".join(f"{name} {part / stats.total_tt:.0%}" for name, part in spent.items())  # type: ignore[attr-defined]


def main() -> None:
    cv2.setNumThreads(1)
    unmarked = list(photos())[::5]
    codec = Codec(Keyring.from_secret(SECRET))
    print("| short side, px | embed ms | hit ms | miss ms |\n|---|---|---|---|")
    for side in SIDES:
        images = [sized(rgb, side, side) for rgb in (unmarked if side < 2048 else unmarked[:3])]
        marked = [codec.embed(rgb, 5) for rgb in images]
        times = [median_ms(lambda rgb: codec.embed(rgb, 5), images), median_ms(codec.extract, marked)]
        times.append(median_ms(codec.extract, images))
        print(f"| {side} | {' | '.join(f'{ms:.0f}' for ms in times)} |", flush=True)
    print("\n| keys in the pool | miss ms |\n|---|---|")
    for pool in POOLS:
        print(
            f"| {pool} | {median_ms(Codec(Keyring.from_secret(SECRET, pool=pool)).extract, unmarked):.0f} |", flush=True
        )
    print(f"\nEmbedding: {shares(lambda rgb: codec.embed(rgb, 5), unmarked, PARTS['embed'])}.")
    print(f"A miss: {shares(codec.extract, unmarked, PARTS['miss'])}.")


if __name__ == "__main__":
    main()
