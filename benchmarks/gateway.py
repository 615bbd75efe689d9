"""Cost of the gateway over the bare pipeline: milliseconds of each stage, at 512 px, on one core.

    python benchmarks/gateway.py [--pictures N] [--side PX] [--pipeline DIR]

Without --pipeline, an instant drawing stands in for the model, so that only the stages after rendering are meaningful.
With `embedded` or a diffusers folder, the bare pipeline and the gateway render the same jobs in turn, and the ratio is
reported. Each median is over the images after the first, which warms up.

Watermarking, encoding and reading back run in a thread beside `screen`; `mark` is the time that remains after `screen`.
"""

import os
from typing import get_args

from service.generation import Backend
from service.media.pictures import OutputFormat

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parent.parent))

from detectors.prompts import PromptScreen
from service.gateway.assembly import build_gateway, open_checkers, open_folder_checker
from service.gateway.execution import ReleaseObserver
from service.gateway.options import GatewayOptions
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation.loading import load_backend
from service.installation import open_installation
from service.kit import logs
from service.kit.settings import Settings
from service.media.pictures import ImageLimits
from tests.support.painter import Painter

STAGES = ("screen", "mark", "sign", "prove", "issue")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20, help="images for each format (default 20)")
    parser.add_argument("--side", type=int, default=512, help="width and height in pixels (default 512)")
    parser.add_argument("--pipeline", help="`embedded` or a diffusers folder")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    logs.configure("error")
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), threads=1, pipeline=options.pipeline or "embedded")
        installation = open_installation(settings)
        backend: Backend = Painter()
        checkers = open_checkers(settings)
        if options.pipeline:
            backend = load_backend(settings)
            checkers += open_folder_checker(settings, backend.folder)
        gateway_options = GatewayOptions("Benchmark", 0.8, 60.0, 600.0, ImageLimits(1 << 25, 1 << 26))
        gateway = build_gateway(
            backend,
            PromptScreen(),
            checkers,
            installation.codec,
            installation.credentials,
            installation.ledger,
            gateway_options,
            lambda prompt: "",
            installation.blocklist,
            installation.likeness,
            installation.adapters,
            installation.publisher,
        )
        side = None if options.pipeline == "embedded" else options.side
        for to in get_args(OutputFormat):
            report(to, measure(gateway, options.pictures, side, to))


def measure(gateway: Gateway, images: int, side: int | None, to: OutputFormat) -> dict[str, list[float]]:
    """Milliseconds of each stage; the first image warms up and is not counted."""
    times: dict[str, list[float]] = defaultdict(list)
    for seed in range(images + 1):
        order = Order(prompt="a red fox in the snow", seed=seed, width=side, height=side, format=to)
        took: dict[str, float] = {}
        released = gateway.release(order, ReleaseObserver(on_stage=took.__setitem__))
        job = released.admitted.job
        start = time.perf_counter()
        gateway.backend.render(job, lambda done, total: None)
        took["bare"] = time.perf_counter() - start
        if seed:
            for name, seconds in took.items():
                times[name].append(1000 * seconds)
            times["after"].append(1000 * sum(took[stage] for stage in STAGES))
            times["ratio"].append((took["render"] + sum(took[s] for s in STAGES)) / took["bare"])
    return times


def report(to: str, times: dict[str, list[float]]) -> None:
    median = {name: statistics.median(values) for name, values in times.items()}
    print(f"\n{to}, median of {len(times['after'])} images, ms")
    print("| " + " | ".join(("admit", "bare render", "render", *STAGES, "all after render", "total / bare")) + " |")
    print("|" + "---|" * (len(STAGES) + 5))
    cells = [f"{median[name]:.1f}" for name in ("admit", "bare", "render", *STAGES, "after")]
    print("| " + " | ".join([*cells, f"{median['ratio']:.2f}"]) + " |")


if __name__ == "__main__":
    main()
