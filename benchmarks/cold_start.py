"""CPU and wall-clock seconds of a whole `countermark generate`, from start to exit, and of `countermark verify`.

    python benchmarks/cold_start.py [--runs N] [--diffusers]

Each run is a new process; the first is not counted, since it makes the keys and compiles modules. --diffusers generates
with the same model through diffusers and torch as well (needs `countermark[generate]`), in turns. Prints Markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "a red fox in the snow"
FOLDER = ROOT / "models" / "weights" / "scenes-256"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--diffusers", action="store_true", help="compare with diffusers and torch")
    options = parser.parse_args()
    took: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "fox.png"
        commands: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
            "generate": ({}, ("generate", PROMPT, "--seed", "3", "--force", "--out", str(image))),
            "verify": ({}, ("verify", str(image))),
        }
        if options.diffusers:
            commands["generate, in diffusers"] = ({"COUNTERMARK_PIPELINE": str(FOLDER)}, commands["generate"][1])
        environment = {**os.environ, "COUNTERMARK_HOME": str(Path(scratch) / "home"), "COUNTERMARK_THREADS": "1"}
        for turn in range(options.runs + 1):
            for name, (changes, words) in commands.items():
                seconds = timed({**environment, **changes}, *words)
                if turn:
                    took[name].append(seconds)
    print("| command | CPU s | wall-clock s |\n|---|---|---|")
    for name, runs in took.items():
        cpu, wall = (statistics.median(times) for times in zip(*runs, strict=True))
        print(f"| {name} | {cpu:.2f} | {wall:.2f} |")


def timed(environment: dict[str, str], *words: str) -> tuple[float, float]:
    """CPU seconds of the process with its children, and wall-clock seconds. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-c", "from service.cli import main; main()", *words]
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return cpu, time.perf_counter() - start


if __name__ == "__main__":
    main()
