"""Speed of the synthetic-image detector, compared with the bare ONNX sessions on the same tensors.

    python benchmarks/detection.py [--home DIR] [--runs N]

Images are 1024 x 1024 px of noise, already decoded; one core; medians. --home is a COUNTERMARK_HOME with the pulled
encoder, which is then measured as well. Prints Markdown.
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
    parser.add_argument("--home", type=Path, help="a COUNTERMARK_HOME with the pulled encoder")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    rgb = np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), np.uint8)
    working = working_copy(rgb)
    network_only = Synthetic()
    batch = np.ascontiguousarray(crops(working).transpose(0, 3, 1, 2), dtype=np.float32)
    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("network alone", lambda: network_only(rgb), lambda: network_only._model._session.run(batch))
    ]
    if options.home:
        encoder = Encoder(find_card("clip-vit-b16").kept_in(options.home / "models"))
        detector = Synthetic(encoder)
        view = encoder_view(working)[None]
        rows.append(("with encoder", lambda: detector(rgb), lambda: encoder(view)))
        sixteen = [detector.prepare(rgb)] * 16
        views = np.repeat(view, 16, axis=0)
        rows.append(("with encoder, 16 at once", lambda: detector.judge(sixteen), lambda: encoder(views)))
    print("| detector | complete detection, ms | bare session, ms | ratio |\n|---|---|---|---|")
    for name, detect, run_session in rows:
        complete, bare = medians(detect, run_session, options.runs)
        print(f"| {name} | {complete:.0f} | {bare:.0f} | {bare / complete:.2f} |")
    if options.home:
        print(f"\n{batches(encoder, view)}")
    print(f"\nheatmap: {medians(lambda: network_only.heatmap(rgb), lambda: None, options.runs)[0]:.0f} ms")
    large = np.zeros((4320, 7680, 3), np.uint8)
    print(f"8K image, network alone: {medians(lambda: network_only(large), lambda: None, 5)[0]:.0f} ms")


def batches(encoder: Encoder, view: np.ndarray) -> str:
    """Milliseconds of processor time for a view, alone and with others: the clock would count what else runs."""
    times = {}
    for size in (1, 4, 16):
        views, runs = np.repeat(view, size, axis=0), []
        for _ in range(5):
            start = time.process_time()
            encoder(views)
            runs.append(1000 * (time.process_time() - start) / size)
        times[size] = min(runs)
    return "processor time a view, ms: " + ", ".join(f"{ms:.0f} of {size}" for size, ms in times.items())


def medians(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median milliseconds of both. They alternate, so that other load on the machine affects both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for work, measured in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            measured.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    main()
