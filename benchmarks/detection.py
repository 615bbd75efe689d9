"""Speed of the detector of synthetic pictures, against the bare ONNX sessions on the same tensors.

    python benchmarks/detection.py [--home DIR] [--runs N]

Pictures are noise at 1024 x 1024, already decoded; one core; medians. With --home (a COUNTERMARK_HOME whose encoder
was pulled) the encoder is measured, too. Prints Markdown.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detectors import Encoder, Synthetic
from detectors.synthetic.views import crops, encoder_view, working_copy
from models import find_card

cv2.setNumThreads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    rgb = np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), np.uint8)
    working = working_copy(rgb)
    alone = Synthetic()
    batch = np.ascontiguousarray(crops(working).transpose(0, 3, 1, 2), dtype=np.float32)
    rows = [("network alone", lambda: alone(rgb), lambda: alone._network.run(batch))]
    if options.home:
        encoder = Encoder(find_card("clip-vit-b16").kept_in(options.home / "models"))
        whole = Synthetic(encoder)
        view = encoder_view(working)[None]
        rows.append(("with encoder", lambda: whole(rgb), lambda: encoder(view)))
    print("| detector | whole examination, ms | bare session, ms | ratio |\n|---|---|---|---|")
    for name, ours, bare in rows:
        mine, theirs = medians(ours, bare, options.runs)
        print(f"| {name} | {mine:.0f} | {theirs:.0f} | {theirs / mine:.2f} |")
    print(f"\nheatmap: {medians(lambda: alone.heatmap(rgb), lambda: None, options.runs)[0]:.0f} ms")
    large = np.zeros((4320, 7680, 3), np.uint8)
    print(f"8K picture, network alone: {medians(lambda: alone(large), lambda: None, 5)[0]:.0f} ms")


def medians(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median milliseconds of both, taken in turns so that a noisy machine is noisy to both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for work, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            kept.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    main()
